//! What the builders of a generated client take and answer, read from its text.

use std::collections::BTreeMap;

use quote::ToTokens as _;
use syn::{GenericArgument, Item, PathArguments, Type};

/// The builders of a client: the types of their fields, and what they answer.
pub struct Builders {
    /// The types of the fields of each.
    pub inputs: BTreeMap<String, BTreeMap<String, Type>>,
    /// The type that each answers.
    pub answers: BTreeMap<String, String>,
}

impl Builders {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// If the text is no Rust.
    pub fn read(text: &str) -> Result<Builders, String> {
        let file = syn::parse_file(text).map_err(|error| format!("the client is no Rust: {error}"))?;
        let is_builder = |item: &Item| matches!(item, Item::Mod(module) if module.ident == "builder");
        let mut builders = Builders { inputs: BTreeMap::new(), answers: BTreeMap::new() };
        let Some(Item::Mod(module)) = file.items.into_iter().find(is_builder) else { return Ok(builders) };
        for item in module.content.map(|(_, items)| items).unwrap_or_default() {
            match item {
                Item::Struct(item) => {
                    let fields = item
                        .fields
                        .iter()
                        .filter_map(|field| Some((field.ident.as_ref()?.to_string(), first_argument(&field.ty)?)));
                    builders.inputs.insert(item.ident.to_string(), fields.collect());
                }
                Item::Impl(item) => {
                    let owner = match &*item.self_ty {
                        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
                        _ => None,
                    };
                    let send = item.items.iter().find_map(|item| match item {
                        syn::ImplItem::Fn(function) if function.sig.ident == "send" => Some(&function.sig.output),
                        _ => None,
                    });
                    if let (Some(owner), Some(syn::ReturnType::Type(_, output))) = (owner, send) {
                        let answer = first_argument(output).and_then(|response| first_argument(&response));
                        let text = answer.map(|answer| answer.to_token_stream().to_string()).unwrap_or_default();
                        builders.answers.insert(owner, text);
                    }
                }
                _ => {}
            }
        }
        Ok(builders)
    }
}

/// The first argument of a generic type.
fn first_argument(kind: &Type) -> Option<Type> {
    let Type::Path(path) = kind else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(kind) => Some(kind.clone()),
        _ => None,
    })
}
