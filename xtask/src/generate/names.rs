//! Names of the contract as names of Rust.

use proc_macro2::{Ident, Span};

/// `job_in_progress`, `job-in-progress` or `jobInProgress` as `JobInProgress`.
pub fn pascal(name: &str) -> String {
    words(name)
        .iter()
        .map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
                .unwrap_or_default()
        })
        .collect()
}

/// `X-RateLimit-Limit` or `JobStatus` as `x_rate_limit_limit` and `job_status`.
pub fn snake(name: &str) -> String {
    words(name).join("_")
}

fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut fresh = true;
    let mut before_lower = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() {
            fresh = true;
            before_lower = false;
            continue;
        }
        if fresh || (letter.is_uppercase() && before_lower) {
            words.push(String::new());
        }
        fresh = false;
        before_lower = letter.is_lowercase() || letter.is_numeric();
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

/// A Rust identifier: raw where the name is a keyword, with an underscore where it begins with a digit.
pub fn ident(name: &str) -> Ident {
    if syn::parse_str::<Ident>(name).is_ok() {
        return Ident::new(name, Span::call_site());
    }
    if syn::parse_str::<Ident>(&format!("r#{name}")).is_ok() {
        return Ident::new_raw(name, Span::call_site());
    }
    let safe: String = name
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '_' })
        .collect();
    Ident::new(&format!("_{safe}"), Span::call_site())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_style_become_names_of_rust() {
        assert_eq!(pascal("job_in_progress"), "JobInProgress");
        assert_eq!(pascal("config-error"), "ConfigError");
        assert_eq!(pascal("JobStatus"), "JobStatus");
        assert_eq!(snake("Retry-After"), "retry_after");
        assert_eq!(snake("JobStatus"), "job_status");
        assert_eq!(ident("type").to_string(), "r#type");
        assert_eq!(ident("2nd").to_string(), "_2nd");
        assert_eq!(ident("self").to_string(), "_self");
    }
}
