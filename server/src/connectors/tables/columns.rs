//! The columns of a table that a sync reads. Names are matched without regard to case.

use std::borrow::Cow;

use super::Dialect;
use super::missing_columns::{self, Missing};
use crate::sync::SyncError;
use crate::sync::object::LONGEST_PAYLOAD;
use crate::sync::row::{Identifier, Row, RowHasher};
use crate::types::{IntegrationKind, TableName};

/// The longest value that is read, in bytes: longer ones cannot be sent.
pub const LONGEST: usize = LONGEST_PAYLOAD;

/// The identifier columns in order of precedence: a row uses the first that is not null.
const EXTERNAL_ID: &str = "EXTERNAL_ID";
const ALIAS_NAME: &str = "ALIAS_NAME";
const ALIAS_LABEL: &str = "ALIAS_LABEL";
const BRAZE_ID: &str = "BRAZE_ID";
const EMAIL: &str = "EMAIL";
const PHONE: &str = "PHONE";
const IDENTIFIERS: [&str; 6] = [EXTERNAL_ID, ALIAS_NAME, ALIAS_LABEL, BRAZE_ID, EMAIL, PHONE];

/// The columns of a table that a sync reads, with the table's own spelling of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// `UPDATED_AT`.
    pub updated_at: String,
    /// `PAYLOAD`, if rows of this integration type have one.
    pub payload: Option<String>,
    /// The identifier columns of the table: their position in the order of precedence, and their name.
    pub identifiers: Vec<(usize, String)>,
    /// The place of the first identifier that rows can have, among [`Identifier`]'s kinds.
    first: usize,
}

/// The identifiers of a row.
struct Identifiers<I> {
    /// Those that are not null, in their order of precedence.
    identifiers: I,
    /// [`Row::may_be_other`].
    may_be_other: bool,
    /// Without any, the message if the row has half of an alias.
    half_of_alias: Option<&'static str>,
}

impl Columns {
    /// Finds the columns in a table; the error says what is missing, and how a view in this dialect can make it.
    pub fn find(
        table: &TableName,
        columns: &[String],
        kind: IntegrationKind,
        dialect: Dialect,
    ) -> Result<Columns, SyncError> {
        let find = |name: &str| -> Result<Option<String>, SyncError> {
            let mut found = columns.iter().filter(|column| column.eq_ignore_ascii_case(name));
            match (found.next(), found.next()) {
                (Some(first), Some(second)) => Err(SyncError::Config(format!(
                    "the table `{table}` has two columns for {name}, `{first}` and `{second}`; rename one"
                ))),
                (found, _) => Ok(found.cloned()),
            }
        };
        let (updated_at, payload) = (find("UPDATED_AT")?, find("PAYLOAD")?);
        if let Some(payload) = payload.as_ref().filter(|_| kind == IntegrationKind::UserDeletes) {
            // Do not delete users because the configuration names the wrong table.
            return Err(SyncError::Config(format!(
                "the table `{table}` has a column `{payload}`; a table for `user_deletes` must not have one, so this may be the wrong table"
            )));
        }
        let mut identifiers = Vec::new();
        for (place, name) in IDENTIFIERS.into_iter().enumerate() {
            identifiers.extend(find(name)?.map(|column| (place, column)));
        }
        let has = |name: &str| identifiers.iter().any(|(place, _)| IDENTIFIERS[*place] == name);
        let alias = has(ALIAS_NAME) && has(ALIAS_LABEL);
        let missing = Missing {
            updated_at: updated_at.is_none(),
            payload: payload.is_none() && kind != IntegrationKind::UserDeletes,
            identifier: !alias && ![EXTERNAL_ID, BRAZE_ID, EMAIL, PHONE].into_iter().any(has),
        };
        let (Some(updated_at), Missing { payload: false, identifier: false, .. }) = (updated_at, missing) else {
            let is_used = |column: &str| {
                IDENTIFIERS.into_iter().chain(["UPDATED_AT", "PAYLOAD"]).any(|name| column.eq_ignore_ascii_case(name))
            };
            let message = missing_columns::message(table, columns, missing, kind, dialect, is_used);
            return Err(SyncError::Config(message));
        };
        if kind == IntegrationKind::UserDeletes && !alias && !has(EXTERNAL_ID) && !has(BRAZE_ID) {
            let found = [EMAIL, PHONE].into_iter().filter(|name| has(name)).collect::<Vec<_>>().join(" and ");
            return Err(SyncError::Config(format!(
                "the table `{table}` identifies users by {found} only, which several users may share; a table for `user_deletes` \
                 needs EXTERNAL_ID, or ALIAS_NAME and ALIAS_LABEL, or BRAZE_ID"
            )));
        }
        let kinds = [has(EXTERNAL_ID), alias, has(BRAZE_ID), has(EMAIL), has(PHONE)];
        let first = kinds.into_iter().position(|has| has).unwrap_or_default();
        Ok(Columns { updated_at, payload, identifiers, first })
    }

    /// Names a row in a message by its identifiers, such as `EXTERNAL_ID "a"`; `None` if all are null. The texts are in
    /// the order of `identifiers`.
    pub fn row_name(&self, texts: impl IntoIterator<Item = Option<String>>) -> Option<String> {
        /// Longest prefix of an identifier that is shown, in characters.
        const SHOWN: usize = 100;
        let named = self.identifiers.iter().zip(texts).filter_map(|((_, column), text)| {
            Some(format!("{column} {:?}", text?.chars().take(SHOWN).collect::<String>()))
        });
        Some(named.collect::<Vec<_>>().join(", ")).filter(|name| !name.is_empty())
    }

    /// The content columns in order: identifiers, then the payload.
    pub fn content(&self) -> impl Iterator<Item = &str> {
        self.identifiers.iter().map(|(_, name)| name.as_str()).chain(self.payload.as_deref())
    }

    /// Builds a row. `value` returns the values of the content columns, by index.
    pub fn row<'v, E>(
        &self,
        hasher: &RowHasher,
        updated_at: i64,
        value: impl Fn(usize) -> Result<Option<Cow<'v, [u8]>>, E>,
    ) -> Result<Row, E> {
        let mut flaw = None;
        let mut texts = Vec::with_capacity(self.identifiers.len() + 1);
        for (index, name) in self.content().enumerate() {
            let text = match value(index)? {
                None => Ok(None),
                Some(bytes) if bytes.len() > LONGEST => {
                    Err(format!("{name} has more than {LONGEST} bytes, which is too long"))
                }
                Some(bytes) => match String::from_utf8(bytes.into_owned()) {
                    Ok(text) => Ok(Some(text)),
                    Err(_) => Err(format!("{name} is not UTF-8 text")),
                },
            };
            texts.push(text.unwrap_or_else(|reason| {
                flaw.get_or_insert(reason);
                None
            }));
        }
        let payload = if self.payload.is_some() { texts.pop().flatten() } else { None };
        let Identifiers { mut identifiers, may_be_other, half_of_alias } = self.identifiers(texts);
        let flaw = flaw.or_else(|| half_of_alias.map(str::to_owned));
        let mut row = Row::new(hasher, updated_at, identifiers.next(), payload, flaw);
        (row.others, row.may_be_other) = (identifiers.collect(), may_be_other);
        Ok(row)
    }

    /// The identifiers of a row. The texts are in the order of the columns.
    fn identifiers(&self, texts: Vec<Option<String>>) -> Identifiers<impl Iterator<Item = Identifier> + use<>> {
        let mut by_place = [const { None }; IDENTIFIERS.len()];
        for ((place, _), text) in self.identifiers.iter().zip(texts) {
            by_place[*place] = text;
        }
        let [external_id, alias_name, alias_label, braze_id, email, phone] = by_place;
        let half_of_alias = match (&alias_name, &alias_label) {
            (Some(_), None) => Some("ALIAS_NAME has no ALIAS_LABEL; an alias needs both"),
            (None, Some(_)) => Some("ALIAS_LABEL has no ALIAS_NAME; an alias needs both"),
            _ => None,
        };
        let alias = alias_name.zip(alias_label).map(|(name, label)| Identifier::Alias { name, label });
        let identifiers = [
            external_id.map(Identifier::ExternalId),
            alias,
            braze_id.map(Identifier::BrazeId),
            email.map(Identifier::Email),
            phone.map(Identifier::Phone),
        ];
        let first = identifiers.iter().position(Option::is_some);
        Identifiers {
            may_be_other: first.is_some_and(|first| first > self.first),
            half_of_alias: half_of_alias.filter(|_| first.is_none()),
            identifiers: identifiers.into_iter().flatten(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Result<Columns, String> {
        columns_for(IntegrationKind::Attributes, names)
    }

    fn columns_for(kind: IntegrationKind, names: &[&str]) -> Result<Columns, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Columns::find(&"t".parse().unwrap(), &names, kind, Dialect::Sqlite).map_err(|error| error.to_string())
    }

    #[test]
    fn a_table_of_users_to_delete_has_no_payload() {
        let found = columns_for(IntegrationKind::UserDeletes, &["UPDATED_AT", "BRAZE_ID"]).unwrap();
        assert_eq!((found.payload.as_ref(), found.content().collect::<Vec<_>>()), (None, vec!["BRAZE_ID"]));
        let error = columns_for(IntegrationKind::UserDeletes, &["UPDATED_AT", "BRAZE_ID", "payload"]).unwrap_err();
        assert!(error.contains("may be the wrong table"), "{error}");
    }

    #[test]
    fn users_are_not_deleted_by_identifiers_that_several_may_share() {
        let deletes = |names: &[&str]| columns_for(IntegrationKind::UserDeletes, names);
        let error = deletes(&["UPDATED_AT", "EMAIL", "PHONE", "ALIAS_NAME"]).unwrap_err();
        assert!(error.contains("by EMAIL and PHONE only") && error.contains("needs EXTERNAL_ID"), "{error}");
        for more in [["EXTERNAL_ID", "x"], ["BRAZE_ID", "x"], ["ALIAS_NAME", "ALIAS_LABEL"]] {
            assert!(deletes(&["UPDATED_AT", "EMAIL", more[0], more[1]]).is_ok(), "{more:?}");
        }
        assert!(columns(&["UPDATED_AT", "PAYLOAD", "EMAIL"]).is_ok(), "others may be found by it");
    }

    #[test]
    fn columns_are_found_in_any_case_and_order() {
        let found = columns(&["payload", "Email", "other", "updated_AT", "external_id"]).unwrap();
        assert_eq!((found.updated_at.as_str(), found.payload.as_deref()), ("updated_AT", Some("payload")));
        assert_eq!(found.content().collect::<Vec<_>>(), ["external_id", "Email", "payload"]);
        assert_eq!(found.identifiers, [(0, "external_id".to_owned()), (4, "Email".to_owned())]);
    }

    #[test]
    fn an_error_names_the_missing_and_the_existing_columns() {
        let error = columns(&["PAYLOAD", "EXTERNAL_ID", "CHANGED"]).unwrap_err();
        assert!(error.contains("no column UPDATED_AT; its columns are `PAYLOAD`, `EXTERNAL_ID`, `CHANGED`"), "{error}");
        assert!(columns(&["UPDATED_AT", "EMAIL"]).unwrap_err().contains("PAYLOAD"));
        assert!(columns(&["UPDATED_AT", "PAYLOAD", "ALIAS_NAME"]).unwrap_err().contains("no identifier column"));
        assert!(columns(&["UPDATED_AT", "PAYLOAD", "EMAIL", "email"]).unwrap_err().contains("two columns"));
    }

    #[test]
    fn all_missing_columns_are_named_with_a_view_that_makes_them() {
        let message = |names: &[&str], kind, dialect| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            Columns::find(&"users".parse().unwrap(), &names, kind, dialect).unwrap_err().to_string()
        };
        let ordinary = ["id", "email_address", "First", "updated_at"];
        assert_eq!(
            message(&ordinary, IntegrationKind::Attributes, Dialect::Sqlite),
            "the table `users` has no column PAYLOAD and no identifier column (EXTERNAL_ID, or ALIAS_NAME and ALIAS_LABEL, or \
             BRAZE_ID, EMAIL or PHONE); its columns are `id`, `email_address`, `First`, `updated_at`; a view can make them: \
             `id AS EXTERNAL_ID`, `json_object('email_address', email_address, 'First', \"First\") AS PAYLOAD`"
        );
        assert_eq!(
            message(&["external_id", "modified", "plan"], IntegrationKind::Events, Dialect::Postgres),
            "the table `users` has no column UPDATED_AT and no column PAYLOAD; its columns are `external_id`, `modified`, `plan`; a \
             view can make them: `modified AS UPDATED_AT`, `json_build_object('name', …, 'properties', \
             json_build_object('plan', plan)) AS PAYLOAD`"
        );
        assert_eq!(
            message(&["updated_at", "user_id"], IntegrationKind::UserDeletes, Dialect::Postgres),
            "the table `users` has no identifier column (EXTERNAL_ID, or ALIAS_NAME and ALIAS_LABEL, or BRAZE_ID); its columns are \
             `updated_at`, `user_id`; a view can make it: `user_id AS EXTERNAL_ID`"
        );
    }

    #[test]
    fn half_of_an_alias_is_named_where_there_is_no_other_identifier() {
        let columns = columns(&["UPDATED_AT", "PAYLOAD", "ALIAS_NAME", "ALIAS_LABEL", "EMAIL"]).unwrap();
        let flaw = |values: [Option<&str>; 4]| {
            let value = |index: usize| Ok::<_, SyncError>(values[index].map(|text| Cow::Borrowed(text.as_bytes())));
            columns.row(&RowHasher::new([0; 32]), 0, value).unwrap().flaw
        };
        let [name, label, email, payload] = [Some("n"), Some("l"), Some("e"), Some("{}")];
        assert_eq!(
            flaw([name, None, None, payload]).as_deref(),
            Some("ALIAS_NAME has no ALIAS_LABEL; an alias needs both")
        );
        assert_eq!(
            flaw([None, label, None, payload]).as_deref(),
            Some("ALIAS_LABEL has no ALIAS_NAME; an alias needs both")
        );
        for values in [[name, label, None, payload], [name, None, email, payload], [None, None, None, payload]] {
            assert_eq!(flaw(values), None);
        }
    }

    #[test]
    fn values_that_cannot_be_sent_are_reported_and_dropped() {
        let columns = columns(&["UPDATED_AT", "PAYLOAD", "EXTERNAL_ID", "EMAIL"]).unwrap();
        let long = "x".repeat(LONGEST + 1);
        let row = |values: [&[u8]; 3]| {
            columns
                .row(&RowHasher::new([0; 32]), 0, |index| Ok::<_, SyncError>(Some(Cow::Borrowed(values[index]))))
                .unwrap()
        };
        for (values, reason) in [
            ([long.as_bytes(), b"e", b"{}"], "EXTERNAL_ID has more than 1000000 bytes, which is too long"),
            ([b"x", b"e", long.as_bytes()], "PAYLOAD has more than 1000000 bytes, which is too long"),
            ([b"x", b"M\xfcller", b"{}"], "EMAIL is not UTF-8 text"),
        ] {
            let row = row(values);
            assert_eq!(row.flaw.as_deref(), Some(reason));
            assert!(row.size() < 1000);
        }
        let row = row([&long.as_bytes()[1..], b"e", b"{}"]);
        assert_eq!(row.flaw, None);
        assert!(row.size() > LONGEST);
    }

    #[test]
    fn a_row_uses_the_first_identifier_that_is_not_null_and_keeps_the_others() {
        let all =
            columns(&["UPDATED_AT", "PAYLOAD", "PHONE", "EMAIL", "ALIAS_LABEL", "ALIAS_NAME", "EXTERNAL_ID"]).unwrap();
        let row = |texts: [Option<&str>; 5]| {
            let value = |index: usize| {
                Ok::<_, SyncError>(texts.get(index).copied().flatten().map(|text| Cow::Borrowed(text.as_bytes())))
            };
            let row = all.row(&RowHasher::new([0; 32]), 0, value).unwrap();
            let is_first = texts[0].is_some() || texts.iter().all(Option::is_none);
            assert_eq!(row.may_be_other, !is_first, "{row:?}");
            row.identifier.into_iter().chain(row.others).collect::<Vec<_>>()
        };
        let external_id = Identifier::ExternalId("x".into());
        let alias = Identifier::Alias { name: "n".into(), label: "l".into() };
        let (email, phone) = (Identifier::Email("e".into()), Identifier::Phone("p".into()));
        assert_eq!(row([Some("x"), Some("n"), Some("l"), None, None]), [external_id.clone(), alias.clone()]);
        assert_eq!(row([Some("x"), None, None, None, None]), [external_id]);
        assert_eq!(row([None, Some("n"), Some("l"), Some("e"), Some("p")]), [alias, email.clone(), phone.clone()]);
        assert_eq!(row([None, Some("n"), None, Some("e"), None]), [email]);
        assert_eq!(row([None, None, None, None, Some("p")]), [phone]);
        assert_eq!(row([None, None, None, None, None]), []);
    }
}
