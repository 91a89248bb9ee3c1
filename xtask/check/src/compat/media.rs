//! Media types and their equality.

/// A media type or range, such as `application/json`, `application/*` or `application/*+json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Media {
    kind: String,
    subtype: String,
    /// Its parameters, sorted, without those that do not affect the meaning of the body.
    parameters: Vec<String>,
}

impl Media {
    pub(super) fn parse(text: &str) -> Media {
        let mut parts = text.split(';').map(|part| part.trim().to_lowercase());
        let name = parts.next().unwrap_or_default();
        let (kind, subtype) = name.split_once('/').unwrap_or((&name, ""));
        let mut parameters: Vec<String> = parts
            .filter(|parameter| {
                let name = parameter.split('=').next().unwrap_or_default().trim();
                let value = parameter.split('=').nth(1).unwrap_or_default();
                let is_usual = name == "charset" && value.trim().trim_matches('"') == "utf-8";
                !parameter.is_empty() && !is_usual && name != "boundary"
            })
            .map(|parameter| parameter.replace([' ', '"'], ""))
            .collect();
        parameters.sort_unstable();
        Media { kind: kind.to_owned(), subtype: subtype.to_owned(), parameters }
    }

    /// Whether it is a range that includes another.
    pub(super) fn covers(&self, other: &Media) -> bool {
        let kind = self.kind == "*" || self.kind == other.kind;
        let subtype = self.subtype == "*"
            || self.subtype == other.subtype
            || self.subtype.strip_prefix("*+").is_some_and(|suffix| {
                other.subtype == suffix || other.subtype.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('+'))
            });
        // A text without a charset is UTF-8.
        let charset = self.kind != "text" || self.charset() == other.charset();
        kind && subtype && charset && (self.parameters.is_empty() || self.parameters == other.parameters)
    }

    fn charset(&self) -> Option<&String> {
        self.parameters.iter().find(|parameter| parameter.starts_with("charset="))
    }

    /// Whether it is a range.
    pub(super) fn is_range(&self) -> bool {
        self.kind == "*" || self.subtype.starts_with('*')
    }

    /// Whether it is a form, whose parts have their own encodings.
    pub(super) fn is_form(&self) -> bool {
        self.kind == "multipart" || self.subtype == "x-www-form-urlencoded"
    }
}

/// The index of the media type that matches another: equal, a range that includes it, or one that it includes.
pub(super) fn find(wanted: &Media, among: &[Media]) -> Option<usize> {
    let by = |fits: &dyn Fn(&Media) -> bool| among.iter().position(fits);
    by(&|known| known == wanted)
        .or_else(|| by(&|known| known.covers(wanted)))
        .or_else(|| by(&|known| wanted.covers(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_parameters_are_understood() {
        let all = |names: &[&str]| names.iter().map(|name| Media::parse(name)).collect::<Vec<_>>();
        let find = |wanted: &str, among: &[&str]| find(&Media::parse(wanted), &all(among));
        assert_eq!(find("Application/JSON", &["text/plain", "application/json; charset=utf-8"]), Some(1));
        assert_eq!(find("application/json", &["application/*"]), Some(0));
        assert_eq!(find("application/hal+json", &["application/json", "application/*+json"]), Some(1));
        assert_eq!(find("application/json", &["application/problem+json"]), None);
        assert_eq!(find("application/json;v=1", &["application/json;v=2", "application/json; V=1"]), Some(1));
        assert_eq!(find("application/json;v=1", &["application/json;v=2"]), None);
        assert_eq!(find("application/json;v=1", &["application/json"]), Some(0));
        assert_eq!(find("text/plain", &["text/plain; charset=\"UTF-8\""]), Some(0));
        assert_eq!(find("text/plain; charset=utf-16", &["text/plain; charset=iso-8859-1"]), None);
        assert_eq!(find("text/plain; charset=utf-16", &["text/plain"]), None);
        assert_eq!(find("*/*", &["text/plain"]), Some(0));
    }
}
