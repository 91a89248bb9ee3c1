//! A Postgres that refuses connections while the service runs.

use super::*;

/// How an operator makes Postgres refuse connections of a role to a database, and undoes it.
struct Refusal {
    begin: &'static str,
    end: &'static str,
    /// What Postgres says.
    reason: &'static str,
}

const REFUSALS: [Refusal; 5] = [
    Refusal {
        begin: "ALTER DATABASE {name} ALLOW_CONNECTIONS false",
        end: "ALTER DATABASE {name} ALLOW_CONNECTIONS true",
        reason: "is not currently accepting connections",
    },
    Refusal {
        begin: "ALTER DATABASE {name} ALLOW_CONNECTIONS false; {terminate}; ALTER DATABASE {name} RENAME TO {name}_moved",
        end: "ALTER DATABASE {name}_moved RENAME TO {name}; ALTER DATABASE {name} ALLOW_CONNECTIONS true",
        reason: "does not exist",
    },
    Refusal {
        begin: "ALTER ROLE {name} NOLOGIN",
        end: "ALTER ROLE {name} LOGIN",
        reason: "is not permitted to log in",
    },
    Refusal {
        begin: "REVOKE CONNECT ON DATABASE {name} FROM PUBLIC; REVOKE CONNECT ON DATABASE {name} FROM {name}",
        end: "GRANT CONNECT ON DATABASE {name} TO PUBLIC",
        reason: "permission denied for database",
    },
    Refusal {
        begin: "ALTER ROLE {name} CONNECTION LIMIT 0",
        end: "ALTER ROLE {name} CONNECTION LIMIT -1",
        reason: "too many connections for role",
    },
];

const TERMINATE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{name}'";

/// A database with an owner of the same name, and its location for the owner.
async fn database_with_owner(elsewhere: &StoreLocation) -> (String, StoreLocation) {
    let name = format!("refused_{}", Uuid::new_v4().simple());
    tamper(elsewhere, format!("CREATE ROLE {name} LOGIN")).await;
    tamper(elsewhere, format!("CREATE DATABASE {name} OWNER {name}")).await;
    let mut url = reqwest::Url::parse(&crate::testing::postgres()).unwrap();
    url.set_path(&name);
    url.set_username(&name).unwrap();
    (name, StoreLocation::Postgres(PostgresUrl::new(Secret::new(url)).unwrap()))
}

async fn refuses_and_recovers(refusal: &Refusal) {
    let elsewhere = PostgresUrl::new(Secret::new(crate::testing::postgres())).unwrap();
    let elsewhere = StoreLocation::Postgres(elsewhere);
    let (name, location) = database_with_owner(&elsewhere).await;
    let store = open(location.clone()).await;
    assert!(started(&store, id(), Utc::now()).await);
    // Each statement by itself: some may not be in a transaction with others.
    let run = async |sql: &str| {
        for statement in sql.replace("{terminate}", TERMINATE).replace("{name}", &name).split("; ") {
            tamper(&elsewhere, statement.to_owned()).await;
        }
    };
    run(refusal.begin).await;
    run(TERMINATE).await;
    let begun = std::time::Instant::now();
    loop {
        let error = store.start_job(id(), Utc::now()).await.unwrap_err();
        assert!(error.is_unavailable(), "{}: {error}", refusal.reason);
        let outage = store.outage().unwrap_or_default();
        if outage.contains(refusal.reason) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(15), "{}: {outage}", refusal.reason);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    if !refusal.reason.starts_with("too many") {
        // At the start it is an error, and not waited for.
        let error = Store::open(&location).await.unwrap_err();
        assert!(!error.is_unavailable() && error.to_string().contains(refusal.reason), "{error}");
    }
    run(refusal.end).await;
    let begun = std::time::Instant::now();
    while store.start_job(id(), Utc::now()).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(15), "{}: it never came back", refusal.reason);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(store.outage(), None);
    store.close().await;
    run("DROP DATABASE {name} WITH (FORCE); DROP ROLE {name}").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_refuses_connections_is_unavailable_until_it_takes_them() {
    sqlx::any::install_default_drivers();
    join_all(REFUSALS.iter().map(refuses_and_recovers)).await;
}
