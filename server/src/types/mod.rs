//! Small types that all modules use: IDs, names, addresses. They depend on no other module.

mod integration_id;
mod integration_kind;
mod paths;
mod postgres_problem;
mod postgres_url;
mod schedule;
mod table_name;

pub use integration_id::{IntegrationId, NotAnId};
pub use integration_kind::IntegrationKind;
pub use paths::{absolute, file_problem, folder, folder_problem, read_problem, real, unwritable_folder};
pub use postgres_problem::postgres_problem;
pub use postgres_url::{NotPostgres, PostgresUrl};
pub use schedule::{NotASchedule, NotAZone, Schedule, Zone};
pub use table_name::{NotATable, TableName, quoted};
