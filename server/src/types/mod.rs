//! Small types that every room uses: IDs, names, addresses. They know nothing of any room.

mod integration_id;
mod integration_kind;
mod paths;
mod postgres_url;
mod table_name;

pub use integration_id::{IntegrationId, NotAnId};
pub use integration_kind::IntegrationKind;
pub use paths::{absolute, folder, real};
pub use postgres_url::{NotPostgres, PostgresUrl};
pub use table_name::{NotATable, TableName, quoted};
