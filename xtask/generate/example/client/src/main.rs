//! A client of pets: it gets one that exists, and one that does not.

mod pets;

use pets::responses::GetPetError;
use pets::{Client, Error};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert("authorization", "Bearer secret".parse()?);
    let http = reqwest::Client::builder().default_headers(headers).build()?;
    let client = Client::new_with_client("http://127.0.0.1:8090", http);
    let pet = client.get_pet().id(1_u64).send().await?;
    println!("{} is a {}", pet.name, pet.kind);
    match client.get_pet().id(2_u64).send().await {
        Err(Error::ErrorResponse(answer)) => match &*answer {
            GetPetError::NotFound(problem) => println!("{}: {}", answer.status(), problem.message),
            other => println!("{}: {other:?}", answer.status()),
        },
        other => println!("{other:?}"),
    }
    Ok(())
}
