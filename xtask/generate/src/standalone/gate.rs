//! What progenitor may write that does not compile: two items, fields or variants of one name, two implementations of one
//! trait for one type. It is found here in seconds, and not by the compiler of whoever uses the client.

use std::collections::HashSet;

use quote::ToTokens as _;
use syn::Item;

/// The first thing that exists twice.
pub fn check(file: &syn::File) -> Result<(), String> {
    items(&file.items)
}

fn items(list: &[Item]) -> Result<(), String> {
    let (mut types, mut functions, mut implementations) = (HashSet::new(), HashSet::new(), HashSet::new());
    for item in list {
        match item {
            Item::Struct(item) => {
                once(&mut types, item.ident.to_string(), "type")?;
                let fields = item.fields.iter().filter_map(|field| field.ident.as_ref());
                all_once(fields.map(ToString::to_string), &format!("field of `{}`", item.ident))?;
            }
            Item::Enum(item) => {
                once(&mut types, item.ident.to_string(), "type")?;
                let variants = item.variants.iter().map(|variant| variant.ident.to_string());
                all_once(variants, &format!("variant of `{}`", item.ident))?;
            }
            Item::Type(item) => once(&mut types, item.ident.to_string(), "type")?,
            Item::Mod(item) => {
                once(&mut types, item.ident.to_string(), "module")?;
                items(item.content.as_ref().map_or(&[], |(_, items)| items))?;
            }
            Item::Fn(item) => once(&mut functions, item.sig.ident.to_string(), "function")?,
            Item::Impl(item) => {
                if let Some((_, name, _)) = &item.trait_ {
                    let both = format!("{} for {}", name.to_token_stream(), item.self_ty.to_token_stream());
                    once(&mut implementations, both, "implementation")?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn all_once(names: impl Iterator<Item = String>, what: &str) -> Result<(), String> {
    let mut seen = HashSet::new();
    names.into_iter().try_for_each(|name| once(&mut seen, name, what))
}

fn once(seen: &mut HashSet<String>, name: String, what: &str) -> Result<(), String> {
    if seen.contains(&name) {
        return Err(format!("progenitor wrote `{name}` twice ({what})"));
    }
    seen.insert(name);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exists_twice_is_found() {
        let why = |code: &str| syn::parse_file(code).map_err(|error| error.to_string()).and_then(|file| check(&file));
        for (code, expected) in [
            ("struct A; enum A {}", "progenitor wrote `A` twice (type)"),
            ("mod m { struct A { a: u8, a: u8 } }", "progenitor wrote `a` twice (field of `A`)"),
            ("enum A { B, B }", "progenitor wrote `B` twice (variant of `A`)"),
            (
                "impl From<u8> for A {} impl From<u8> for A {}",
                "progenitor wrote `From < u8 > for A` twice (implementation)",
            ),
        ] {
            assert_eq!(why(code), Err(expected.to_owned()));
        }
        assert_eq!(
            why("struct A; mod m { struct A; } impl From<u8> for A {} impl From<u16> for A {} impl A {} impl A {}"),
            Ok(())
        );
    }
}
