//! Security, servers, and other top-level parts of a document.

use super::files::{At, EntryAt};
use super::keys::Part;
use super::nearest::nearest;
use super::reader::Reader;
use crate::document::{
    Info, Location, OAuthFlow, Part as OperationPart, SchemeKind, SchemeUse, Security, SecurityScheme, Server,
    ServerVariable, Tag, Unread,
};
use crate::problem::ProblemKind;
use crate::span::Spanned;

impl<'a> Reader<'a> {
    pub fn info(&mut self, root: At<'a>) -> Info {
        let Some(entry) = self.mapping(root, "info") else { return Info::default() };
        let at = entry.value;
        self.keys(at, Part::Info);
        let empty = || Spanned::new(String::new(), at.span());
        Info {
            title: self.text(at, "title").unwrap_or_else(empty),
            version: self.text(at, "version").unwrap_or_else(empty),
            description: self.text(at, "description"),
            span: Some(at.span()),
        }
    }

    pub fn tags(&mut self, root: At<'a>) -> Vec<Tag> {
        let mut tags = Vec::new();
        for at in self.list(root, "tags") {
            self.keys(at, Part::Tag);
            let description = self.text(at, "description").map(|text| text.value).unwrap_or_default();
            match self.text(at, "name") {
                Some(name) => tags.push(Tag { name, description }),
                None => drop(self.problem(ProblemKind::Incomplete, "a tag has no `name`", at.span())),
            }
        }
        tags
    }

    /// The servers of `servers`.
    pub fn servers(&mut self, at: At<'a>) -> Vec<Server> {
        let mut servers = Vec::new();
        for at in self.list(at, "servers") {
            self.keys(at, Part::Server);
            let variables = self.named(at, "variables");
            let variables = variables.into_iter().map(|entry| self.variable(entry)).collect();
            match self.text(at, "url") {
                Some(url) => servers.push(Server { url, variables }),
                None => drop(self.problem(ProblemKind::Incomplete, "a server has no `url`", at.span())),
            }
        }
        servers
    }

    fn variable(&mut self, entry: EntryAt<'a>) -> ServerVariable {
        let at = entry.value;
        self.keys(at, Part::ServerVariable);
        ServerVariable {
            name: Spanned::new(entry.key().to_owned(), entry.key_span()),
            default: self.text(at, "default").map(|text| text.value),
            values: at.get("enum").map(|list| self.texts_of(list, "enum").into_iter().map(|text| text.value).collect()),
        }
    }

    /// A list of security requirements.
    pub fn security(&mut self, list: At<'a>, mut unread: Option<&mut Vec<Unread>>) -> Security {
        let mut missed = |reason: String, at: At<'a>| {
            if let Some(unread) = unread.as_deref_mut() {
                unread.push(Unread { part: OperationPart::Security, reason, span: at.span() });
            }
        };
        let mut alternatives = Vec::new();
        let items = self.list_of(list, "security");
        if items.is_empty() && !matches!(list.node.value, crate::node::Value::Array(_)) {
            missed(format!("`security` is {}, not a list", list.node.kind()), list);
        }
        for item in items {
            if !item.is_mapping() {
                self.wrong("security", item, "a mapping");
                missed(format!("a security requirement is {}, not a mapping", item.node.kind()), item);
                continue;
            }
            let mut uses = Vec::new();
            for entry in item.entries() {
                self.scheme_exists(entry);
                uses.push(SchemeUse {
                    name: Spanned::new(entry.key().to_owned(), entry.key_span()),
                    scopes: if entry.value.is_null() { Vec::new() } else { self.texts_of(entry.value, entry.key()) },
                });
            }
            alternatives.push(uses);
        }
        Security { alternatives, span: Some(list.span()) }
    }

    fn scheme_exists(&mut self, entry: EntryAt<'a>) {
        let name = entry.key();
        if !self.scheme_names.contains(&name) {
            let message = format!("there is no security scheme `{name}` under `components.securitySchemes`");
            let nearest = nearest(self.scheme_names.iter().copied(), name);
            self.problem(ProblemKind::UnresolvedReference, message, entry.key_span()).nearest = nearest;
        }
    }

    /// A scheme of `components.securitySchemes`.
    pub fn security_scheme(&mut self, entry: EntryAt<'a>) -> Option<SecurityScheme> {
        let at = self.follow(entry.value, "security scheme").ok()?;
        self.keys(at, Part::SecurityScheme);
        let name = Spanned::new(entry.key().to_owned(), entry.key_span());
        let description = self.beside_text(entry.value, "description").or_else(|| self.text(at, "description"));
        let kind = self.scheme_kind(at);
        Some(SecurityScheme { name, kind, description, span: at.span() })
    }

    fn scheme_kind(&mut self, at: At<'a>) -> SchemeKind {
        let Some(kind) = self.text(at, "type") else {
            self.problem(ProblemKind::Incomplete, "a security scheme has no `type`", at.span());
            return SchemeKind::Other(String::new());
        };
        match kind.value.as_str() {
            "apiKey" => {
                let place = self.text(at, "in");
                let location = [Location::Query, Location::Header, Location::Cookie]
                    .into_iter()
                    .find(|location| place.as_ref().is_some_and(|place| place.value == location.name()));
                match (location, self.text(at, "name")) {
                    (Some(location), Some(name)) => SchemeKind::ApiKey { location, name: name.value },
                    _ => {
                        let message = "an `apiKey` needs a `name`, and `in` with `header`, `query` or `cookie`";
                        self.problem(ProblemKind::Incomplete, message, at.span());
                        SchemeKind::Other(kind.value)
                    }
                }
            }
            "http" => match self.text(at, "scheme") {
                Some(scheme) => SchemeKind::Http { scheme: scheme.value.to_ascii_lowercase() },
                None => {
                    self.problem(ProblemKind::Incomplete, "an `http` security scheme has no `scheme`", at.span());
                    SchemeKind::Other(kind.value)
                }
            },
            "oauth2" => SchemeKind::OAuth2 { flows: self.flows(at) },
            "openIdConnect" => {
                SchemeKind::OpenIdConnect(self.text(at, "openIdConnectUrl").map(|url| url.value).unwrap_or_default())
            }
            "mutualTLS" => SchemeKind::MutualTls,
            _ => SchemeKind::Other(kind.value),
        }
    }

    fn flows(&mut self, at: At<'a>) -> Vec<OAuthFlow> {
        let Some(flows) = self.mapping(at, "flows") else { return Vec::new() };
        self.keys(flows.value, Part::Flows);
        let named = ["implicit", "password", "clientCredentials", "authorizationCode"];
        let mut read = Vec::new();
        for entry in flows.value.entries().filter(|entry| named.contains(&entry.key())) {
            let at = entry.value;
            self.keys(at, Part::Flow);
            read.push(OAuthFlow {
                name: entry.key().to_owned(),
                authorization_url: self.text(at, "authorizationUrl").map(|url| url.value),
                token_url: self.text(at, "tokenUrl").map(|url| url.value),
                scopes: self.named(at, "scopes").iter().map(|scope| scope.key().to_owned()).collect(),
            });
        }
        read
    }
}
