#![cfg_attr(rustfmt, rustfmt_skip)]
//! A client, generated from an OpenAPI contract. It needs these crates:
//!
//! ```toml
//! progenitor-client = "0.15"
//! reqwest = { version = "0.13", default-features = false }
//! serde = { version = "1", features = ["derive"] }
//! serde_json = "1"
//! chrono = { version = "0.4", default-features = false, features = ["serde", "std"] }
//! uuid = { version = "1", features = ["serde"] }
//! ```
//!
//! For `https`, add a TLS feature to reqwest, such as `rustls`. Credentials are set as default headers of the
//! `reqwest::Client` given to [`Client::new_with_client`], or in an implementation of
//! `progenitor_client::ClientHooks` for [`Client`]. Values are not checked against bounds and patterns; the server
//! does that. A documented error is an `Error::ErrorResponse` with a variant for each status.

#![allow(dead_code, missing_docs, deprecated)]
// What these are about is decided by the contract.
#![allow(clippy::doc_lazy_continuation, clippy::doc_overindented_list_items, clippy::enum_variant_names)]
#![allow(clippy::large_enum_variant, clippy::match_overlapping_arm, clippy::should_implement_trait, clippy::type_complexity)]

pub use ::progenitor_client::{ByteStream, ClientInfo, Error, ResponseValue};
use ::progenitor_client::{ClientHooks, OperationInfo};

/// A client of Shop.
///
/// A contract with everything that a client must get right.
///
/// ```text
/// not a doctest
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) baseurl: String,
    pub(crate) client: ::reqwest::Client,
}

impl Client {
    /// A client that gives up when connecting takes 15 seconds, or when a response stops coming for 60 seconds.
    ///
    /// `baseurl` is what the paths of the contract are appended to, such as `https://api.example.com/v1`.
    pub fn new(baseurl: &str) -> Self {
        #[cfg(not(target_arch = "wasm32"))]
        let client = ::reqwest::ClientBuilder::new()
            .connect_timeout(::std::time::Duration::from_secs(15))
            .read_timeout(::std::time::Duration::from_secs(60));
        #[cfg(target_arch = "wasm32")]
        let client = ::reqwest::ClientBuilder::new();
        Self::new_with_client(baseurl, client.build().unwrap_or_default())
    }

    /// A client that sends its requests through a given one, which may have timeouts and default headers of its
    /// own, such as credentials.
    pub fn new_with_client(baseurl: &str, client: ::reqwest::Client) -> Self {
        Self {
            baseurl: baseurl.to_owned(),
            client,
        }
    }
}

impl ClientInfo<()> for Client {
    fn api_version() -> &'static str {
        "2024-01"
    }

    fn baseurl(&self) -> &str {
        self.baseurl.as_str()
    }

    fn client(&self) -> &::reqwest::Client {
        &self.client
    }

    fn inner(&self) -> &() {
        &()
    }
}

impl ClientHooks<()> for &Client {}
/// Sends a request, with the hooks around it.
async fn execute<E>(
    client: &Client,
    request: Result<::reqwest::Request, String>,
    operation_id: &'static str,
) -> Result<::reqwest::Response, Error<E>> {
    let mut request = request.map_err(Error::InvalidRequest)?;
    let info = OperationInfo { operation_id };
    client.pre(&mut request, &info).await?;
    let result = client.exec(request, &info).await;
    client.post(&result, &info).await?;
    Ok(result?)
}

impl Client {
    /// Get a pet
    ///
    /// See <https://shop.test/docs> for \[details\].
    ///
    /// Sends a `GET` request to `/pets/{petId}`.
    ///
    /// Required: `pet_id`.
    pub fn get_pet(&self) -> builder::GetPet<'_> {
        builder::GetPet::new(self)
    }

    /// Sends a `PATCH` request to `/pets/{petId}`.
    ///
    /// Required: `pet_id`.
    pub fn patch_pets_by_pet_id(&self) -> builder::PatchPetsByPetId<'_> {
        builder::PatchPetsByPetId::new(self)
    }

    /// Sends a `DELETE` request to `/pets/{petId}`.
    ///
    /// Required: `pet_id`.
    #[deprecated]
    pub fn delete(&self) -> builder::Delete<'_> {
        builder::Delete::new(self)
    }

    /// Sends a `GET` request to `/pets`.
    ///
    /// Required: `type_`.
    ///
    /// Not as the contract says:
    ///
    /// - OpenAPI does not say how `filter` is nested; it is sent as `filter[key][key]` and `filter[0]`.
    pub fn list_pets(&self) -> builder::ListPets<'_> {
        builder::ListPets::new(self)
    }

    /// Sends a `POST` request to `/pets`.
    ///
    /// Required: `body`.
    ///
    /// Not as the contract says:
    ///
    /// - `owner` is left out of the body where it could be null, because it is optional.
    /// - the body could also be `application/xml`; it is always sent as `application/json`.
    pub fn create_pet(&self) -> builder::CreatePet<'_> {
        builder::CreatePet::new(self)
    }

    /// Sends a `PUT` request to `/owners/{name}.json`.
    ///
    /// Required: `name`, `body`.
    pub fn rename(&self) -> builder::Rename<'_> {
        builder::Rename::new(self)
    }

    /// Sends a `PUT` request to `/files/{key}`.
    ///
    /// Required: `key`, `body`.
    pub fn upload(&self) -> builder::Upload<'_> {
        builder::Upload::new(self)
    }

    /// Sends a `GET` request to `/files/{key}`.
    ///
    /// Required: `key`.
    pub fn download(&self) -> builder::Download<'_> {
        builder::Download::new(self)
    }

    /// Sends a `POST` request to `/files/{key}`.
    ///
    /// Required: `key`, `file`.
    pub fn attach(&self) -> builder::Attach<'_> {
        builder::Attach::new(self)
    }

    /// Sends a `POST` request to `/notes`.
    pub fn post_notes(&self) -> builder::PostNotes<'_> {
        builder::PostNotes::new(self)
    }

    /// Sends a `POST` request to `/shapes`.
    ///
    /// Required: `body`.
    pub fn new2(&self) -> builder::New2<'_> {
        builder::New2::new(self)
    }

    /// Sends a `OPTIONS` request to `/shapes`.
    pub fn options_shapes(&self) -> builder::OptionsShapes<'_> {
        builder::OptionsShapes::new(self)
    }

    /// Sends a `GET` request to `/types`.
    ///
    /// Not as the contract says:
    ///
    /// - a list or map that contains itself is read as any JSON.
    pub fn error(&self) -> builder::Error<'_> {
        builder::Error::new(self)
    }
}

/// Types used as operation parameters and responses.
pub mod types {
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Circle {
        pub kind: CircleKind,
        pub size: f64,
    }

    impl Circle {
        pub fn builder() -> builder::Circle {
            Default::default()
        }
    }

    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum CircleKind {
        #[serde(rename = "circle")]
        Circle,
    }

    impl ::std::fmt::Display for CircleKind {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Circle => f.write_str("circle"),
            }
        }
    }

    impl ::std::str::FromStr for CircleKind {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "circle" => Ok(Self::Circle),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for CircleKind {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for CircleKind {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Everything {
        pub anything: ::serde_json::Value,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub count: ::std::option::Option<u64>,
        /// Something
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub inline: ::std::option::Option<EverythingInline>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub ip: ::std::option::Option<::std::net::Ipv4Addr>,
        pub names: ::std::collections::HashMap<::std::string::String, PetName>,
        pub option: Option,
        pub result: Result,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub string: ::std::option::Option<String>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub vec: ::std::option::Option<
            ::std::vec::Vec<::std::vec::Vec<::serde_json::Value>>,
        >,
    }

    /// Something
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct EverythingInline {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub deep: ::std::option::Option<::std::vec::Vec<EverythingInlineDeepItem>>,
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct EverythingInlineDeepItem {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub x: ::std::option::Option<i64>,
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct GetPetDefault {
        pub code: i64,
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct ListPetsFilter {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub age: ::std::option::Option<ListPetsFilterAge>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
    }

    impl ListPetsFilter {
        pub fn builder() -> builder::ListPetsFilter {
            Default::default()
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct ListPetsFilterAge {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub min: ::std::option::Option<i64>,
    }

    impl ListPetsFilterAge {
        pub fn builder() -> builder::ListPetsFilterAge {
            Default::default()
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct ListPetsPage {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub after: ::std::option::Option<::std::string::String>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub limit: ::std::option::Option<i64>,
    }

    impl ListPetsPage {
        pub fn builder() -> builder::ListPetsPage {
            Default::default()
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Option {
        #[serde(
            rename = "extra",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub extra2: ::std::option::Option<::std::string::String>,
        #[serde(rename = "_id", skip_serializing_if = "::std::option::Option::is_none")]
        pub id: ::std::option::Option<::std::string::String>,
        #[serde(rename = "id", skip_serializing_if = "::std::option::Option::is_none")]
        pub id2: ::std::option::Option<::std::string::String>,
        #[serde(rename = "self", skip_serializing_if = "::std::option::Option::is_none")]
        pub self_: ::std::option::Option<::std::string::String>,
        #[serde(flatten)]
        pub extra: ::std::collections::HashMap<::std::string::String, i64>,
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Owner {
        pub name: ::std::string::String,
    }

    impl Owner {
        pub fn builder() -> builder::Owner {
            Default::default()
        }
    }

    /// An animal.
    ///
    ///   indented
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Pet {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub born: ::std::option::Option<::chrono::naive::NaiveDate>,
        /// Its colour.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub color: ::std::option::Option<Color>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub id: ::std::option::Option<i64>,
        pub kind: PetKind,
        /// Default: `"Tom"`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub owner: ::std::option::Option<Owner>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub parents: ::std::option::Option<::std::vec::Vec<Pet>>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub price: ::std::option::Option<f32>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub secret: ::std::option::Option<::std::string::String>,
    }

    impl Pet {
        pub fn builder() -> builder::Pet {
            Default::default()
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct PetChange {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub born: ::std::option::Option<::chrono::naive::NaiveDate>,
        /// Its colour.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub color: ::std::option::Option<Color>,
        /// Default: `"Tom"`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(default, deserialize_with = "super::nulls::read")]
        pub owner: ::std::option::Option<::std::option::Option<Owner>>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub price: ::std::option::Option<f32>,
    }

    impl PetChange {
        pub fn builder() -> builder::PetChange {
            Default::default()
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct PetName {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub text: ::std::option::Option<::std::string::String>,
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Problem {
        pub message: ::std::string::String,
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct RenameBody {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub address: ::std::option::Option<RenameBodyAddress>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub aliases: ::std::option::Option<::std::vec::Vec<::std::string::String>>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub meta: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
        pub name: ::std::string::String,
    }

    impl RenameBody {
        pub fn builder() -> builder::RenameBody {
            Default::default()
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct RenameBodyAddress {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub city: ::std::option::Option<::std::string::String>,
    }

    impl RenameBodyAddress {
        pub fn builder() -> builder::RenameBodyAddress {
            Default::default()
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(untagged)]
    pub enum Shape {
        Circle(Circle),
        Square(Square),
    }

    impl ::std::convert::From<Circle> for Shape {
        fn from(value: Circle) -> Self {
            Self::Circle(value)
        }
    }

    impl ::std::convert::From<Square> for Shape {
        fn from(value: Square) -> Self {
            Self::Square(value)
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Square {
        pub kind: SquareKind,
        pub size: f64,
    }

    impl Square {
        pub fn builder() -> builder::Square {
            Default::default()
        }
    }

    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum SquareKind {
        #[serde(rename = "square")]
        Square,
    }

    impl ::std::fmt::Display for SquareKind {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Square => f.write_str("square"),
            }
        }
    }

    impl ::std::str::FromStr for SquareKind {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "square" => Ok(Self::Square),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for SquareKind {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for SquareKind {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(untagged)]
    pub enum String {
        Option(Option),
        Int64(i64),
        Array(::std::vec::Vec<::std::string::String>),
        String(::std::string::String),
    }

    impl ::std::convert::From<Option> for String {
        fn from(value: Option) -> Self {
            Self::Option(value)
        }
    }

    impl ::std::convert::From<i64> for String {
        fn from(value: i64) -> Self {
            Self::Int64(value)
        }
    }

    impl ::std::convert::From<::std::vec::Vec<::std::string::String>> for String {
        fn from(value: ::std::vec::Vec<::std::string::String>) -> Self {
            Self::Array(value)
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Ticket {
        pub id: ::uuid::Uuid,
    }

    impl Ticket {
        pub fn builder() -> builder::Ticket {
            Default::default()
        }
    }

    /// Types for composing complex structures.
    pub mod builder {
        #[derive(Clone, Debug)]
        pub struct Circle {
            kind: ::std::result::Result<super::CircleKind, ::std::string::String>,
            size: ::std::result::Result<f64, ::std::string::String>,
        }

        impl ::std::default::Default for Circle {
            fn default() -> Self {
                Self {
                    kind: Err("no value supplied for kind".to_string()),
                    size: Err("no value supplied for size".to_string()),
                }
            }
        }

        impl Circle {
            pub fn kind<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::CircleKind>,
                T::Error: ::std::fmt::Display,
            {
                self.kind = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for kind: {e}")
                    });
                self
            }

            pub fn size<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<f64>,
                T::Error: ::std::fmt::Display,
            {
                self.size = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for size: {e}")
                    });
                self
            }
        }

        impl ::std::convert::TryFrom<Circle> for super::Circle {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Circle,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    kind: value.kind?,
                    size: value.size?,
                })
            }
        }

        impl ::std::convert::From<super::Circle> for Circle {
            fn from(value: super::Circle) -> Self {
                Self {
                    kind: Ok(value.kind),
                    size: Ok(value.size),
                }
            }
        }

        #[derive(Clone, Debug)]
        pub struct ListPetsFilter {
            age: ::std::result::Result<
                ::std::option::Option<super::ListPetsFilterAge>,
                ::std::string::String,
            >,
            name: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
        }

        impl ::std::default::Default for ListPetsFilter {
            fn default() -> Self {
                Self {
                    age: Ok(Default::default()),
                    name: Ok(Default::default()),
                }
            }
        }

        impl ListPetsFilter {
            pub fn age<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<super::ListPetsFilterAge>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.age = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for age: {e}")
                    });
                self
            }

            pub fn name<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.name = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for name: {e}")
                    });
                self
            }
        }

        impl ::std::convert::TryFrom<ListPetsFilter> for super::ListPetsFilter {
            type Error = super::error::ConversionError;
            fn try_from(
                value: ListPetsFilter,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    age: value.age?,
                    name: value.name?,
                })
            }
        }

        impl ::std::convert::From<super::ListPetsFilter> for ListPetsFilter {
            fn from(value: super::ListPetsFilter) -> Self {
                Self {
                    age: Ok(value.age),
                    name: Ok(value.name),
                }
            }
        }

        #[derive(Clone, Debug)]
        pub struct ListPetsFilterAge {
            min: ::std::result::Result<
                ::std::option::Option<i64>,
                ::std::string::String,
            >,
        }

        impl ::std::default::Default for ListPetsFilterAge {
            fn default() -> Self {
                Self {
                    min: Ok(Default::default()),
                }
            }
        }

        impl ListPetsFilterAge {
            pub fn min<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<i64>>,
                T::Error: ::std::fmt::Display,
            {
                self.min = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for min: {e}")
                    });
                self
            }
        }

        impl ::std::convert::TryFrom<ListPetsFilterAge> for super::ListPetsFilterAge {
            type Error = super::error::ConversionError;
            fn try_from(
                value: ListPetsFilterAge,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self { min: value.min? })
            }
        }

        impl ::std::convert::From<super::ListPetsFilterAge> for ListPetsFilterAge {
            fn from(value: super::ListPetsFilterAge) -> Self {
                Self { min: Ok(value.min) }
            }
        }

        #[derive(Clone, Debug)]
        pub struct ListPetsPage {
            after: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            limit: ::std::result::Result<
                ::std::option::Option<i64>,
                ::std::string::String,
            >,
        }

        impl ::std::default::Default for ListPetsPage {
            fn default() -> Self {
                Self {
                    after: Ok(Default::default()),
                    limit: Ok(Default::default()),
                }
            }
        }

        impl ListPetsPage {
            pub fn after<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.after = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for after: {e}")
                    });
                self
            }

            pub fn limit<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<i64>>,
                T::Error: ::std::fmt::Display,
            {
                self.limit = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for limit: {e}")
                    });
                self
            }
        }

        impl ::std::convert::TryFrom<ListPetsPage> for super::ListPetsPage {
            type Error = super::error::ConversionError;
            fn try_from(
                value: ListPetsPage,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    after: value.after?,
                    limit: value.limit?,
                })
            }
        }

        impl ::std::convert::From<super::ListPetsPage> for ListPetsPage {
            fn from(value: super::ListPetsPage) -> Self {
                Self {
                    after: Ok(value.after),
                    limit: Ok(value.limit),
                }
            }
        }

        #[derive(Clone, Debug)]
        pub struct Owner {
            name: ::std::result::Result<::std::string::String, ::std::string::String>,
        }

        impl ::std::default::Default for Owner {
            fn default() -> Self {
                Self {
                    name: Err("no value supplied for name".to_string()),
                }
            }
        }

        impl Owner {
            pub fn name<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.name = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for name: {e}")
                    });
                self
            }
        }

        impl ::std::convert::TryFrom<Owner> for super::Owner {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Owner,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self { name: value.name? })
            }
        }

        impl ::std::convert::From<super::Owner> for Owner {
            fn from(value: super::Owner) -> Self {
                Self { name: Ok(value.name) }
            }
        }

        #[derive(Clone, Debug)]
        pub struct Pet {
            born: ::std::result::Result<
                ::std::option::Option<::chrono::naive::NaiveDate>,
                ::std::string::String,
            >,
            color: ::std::result::Result<
                ::std::option::Option<super::Color>,
                ::std::string::String,
            >,
            id: ::std::result::Result<::std::option::Option<i64>, ::std::string::String>,
            kind: ::std::result::Result<super::PetKind, ::std::string::String>,
            name: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            owner: ::std::result::Result<
                ::std::option::Option<super::Owner>,
                ::std::string::String,
            >,
            parents: ::std::result::Result<
                ::std::option::Option<::std::vec::Vec<super::Pet>>,
                ::std::string::String,
            >,
            price: ::std::result::Result<
                ::std::option::Option<f32>,
                ::std::string::String,
            >,
            secret: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
        }

        impl ::std::default::Default for Pet {
            fn default() -> Self {
                Self {
                    born: Ok(Default::default()),
                    color: Ok(Default::default()),
                    id: Ok(Default::default()),
                    kind: Err("no value supplied for kind".to_string()),
                    name: Ok(Default::default()),
                    owner: Ok(Default::default()),
                    parents: Ok(Default::default()),
                    price: Ok(Default::default()),
                    secret: Ok(Default::default()),
                }
            }
        }

        impl Pet {
            pub fn born<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::chrono::naive::NaiveDate>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.born = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for born: {e}")
                    });
                self
            }

            pub fn color<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<super::Color>>,
                T::Error: ::std::fmt::Display,
            {
                self.color = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for color: {e}")
                    });
                self
            }

            pub fn id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<i64>>,
                T::Error: ::std::fmt::Display,
            {
                self.id = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for id: {e}"));
                self
            }

            pub fn kind<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::PetKind>,
                T::Error: ::std::fmt::Display,
            {
                self.kind = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for kind: {e}")
                    });
                self
            }

            pub fn name<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.name = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for name: {e}")
                    });
                self
            }

            pub fn owner<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<super::Owner>>,
                T::Error: ::std::fmt::Display,
            {
                self.owner = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for owner: {e}")
                    });
                self
            }

            pub fn parents<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::std::vec::Vec<super::Pet>>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.parents = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for parents: {e}")
                    });
                self
            }

            pub fn price<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<f32>>,
                T::Error: ::std::fmt::Display,
            {
                self.price = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for price: {e}")
                    });
                self
            }

            pub fn secret<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.secret = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for secret: {e}")
                    });
                self
            }
        }

        impl ::std::convert::TryFrom<Pet> for super::Pet {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Pet,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    born: value.born?,
                    color: value.color?,
                    id: value.id?,
                    kind: value.kind?,
                    name: value.name?,
                    owner: value.owner?,
                    parents: value.parents?,
                    price: value.price?,
                    secret: value.secret?,
                })
            }
        }

        impl ::std::convert::From<super::Pet> for Pet {
            fn from(value: super::Pet) -> Self {
                Self {
                    born: Ok(value.born),
                    color: Ok(value.color),
                    id: Ok(value.id),
                    kind: Ok(value.kind),
                    name: Ok(value.name),
                    owner: Ok(value.owner),
                    parents: Ok(value.parents),
                    price: Ok(value.price),
                    secret: Ok(value.secret),
                }
            }
        }

        #[derive(Clone, Debug)]
        pub struct PetChange {
            born: ::std::result::Result<
                ::std::option::Option<::chrono::naive::NaiveDate>,
                ::std::string::String,
            >,
            color: ::std::result::Result<
                ::std::option::Option<super::Color>,
                ::std::string::String,
            >,
            name: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            owner: ::std::result::Result<
                ::std::option::Option<::std::option::Option<super::Owner>>,
                ::std::string::String,
            >,
            price: ::std::result::Result<
                ::std::option::Option<f32>,
                ::std::string::String,
            >,
        }

        impl ::std::default::Default for PetChange {
            fn default() -> Self {
                Self {
                    born: Ok(Default::default()),
                    color: Ok(Default::default()),
                    name: Ok(Default::default()),
                    owner: Ok(Default::default()),
                    price: Ok(Default::default()),
                }
            }
        }

        impl PetChange {
            pub fn born<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::chrono::naive::NaiveDate>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.born = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for born: {e}")
                    });
                self
            }

            pub fn color<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<super::Color>>,
                T::Error: ::std::fmt::Display,
            {
                self.color = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for color: {e}")
                    });
                self
            }

            pub fn name<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.name = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for name: {e}")
                    });
                self
            }

            pub fn owner<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::std::option::Option<super::Owner>>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.owner = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for owner: {e}")
                    });
                self
            }

            pub fn price<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<f32>>,
                T::Error: ::std::fmt::Display,
            {
                self.price = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for price: {e}")
                    });
                self
            }
        }

        impl ::std::convert::TryFrom<PetChange> for super::PetChange {
            type Error = super::error::ConversionError;
            fn try_from(
                value: PetChange,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    born: value.born?,
                    color: value.color?,
                    name: value.name?,
                    owner: value.owner?,
                    price: value.price?,
                })
            }
        }

        impl ::std::convert::From<super::PetChange> for PetChange {
            fn from(value: super::PetChange) -> Self {
                Self {
                    born: Ok(value.born),
                    color: Ok(value.color),
                    name: Ok(value.name),
                    owner: Ok(value.owner),
                    price: Ok(value.price),
                }
            }
        }

        #[derive(Clone, Debug)]
        pub struct RenameBody {
            address: ::std::result::Result<
                ::std::option::Option<super::RenameBodyAddress>,
                ::std::string::String,
            >,
            aliases: ::std::result::Result<
                ::std::option::Option<::std::vec::Vec<::std::string::String>>,
                ::std::string::String,
            >,
            meta: ::std::result::Result<
                ::std::option::Option<
                    ::std::collections::HashMap<
                        ::std::string::String,
                        ::std::string::String,
                    >,
                >,
                ::std::string::String,
            >,
            name: ::std::result::Result<::std::string::String, ::std::string::String>,
        }

        impl ::std::default::Default for RenameBody {
            fn default() -> Self {
                Self {
                    address: Ok(Default::default()),
                    aliases: Ok(Default::default()),
                    meta: Ok(Default::default()),
                    name: Err("no value supplied for name".to_string()),
                }
            }
        }

        impl RenameBody {
            pub fn address<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<super::RenameBodyAddress>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.address = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for address: {e}")
                    });
                self
            }

            pub fn aliases<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::std::vec::Vec<::std::string::String>>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.aliases = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for aliases: {e}")
                    });
                self
            }

            pub fn meta<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<
                        ::std::collections::HashMap<
                            ::std::string::String,
                            ::std::string::String,
                        >,
                    >,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.meta = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for meta: {e}")
                    });
                self
            }

            pub fn name<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.name = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for name: {e}")
                    });
                self
            }
        }

        impl ::std::convert::TryFrom<RenameBody> for super::RenameBody {
            type Error = super::error::ConversionError;
            fn try_from(
                value: RenameBody,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    address: value.address?,
                    aliases: value.aliases?,
                    meta: value.meta?,
                    name: value.name?,
                })
            }
        }

        impl ::std::convert::From<super::RenameBody> for RenameBody {
            fn from(value: super::RenameBody) -> Self {
                Self {
                    address: Ok(value.address),
                    aliases: Ok(value.aliases),
                    meta: Ok(value.meta),
                    name: Ok(value.name),
                }
            }
        }

        #[derive(Clone, Debug)]
        pub struct RenameBodyAddress {
            city: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
        }

        impl ::std::default::Default for RenameBodyAddress {
            fn default() -> Self {
                Self {
                    city: Ok(Default::default()),
                }
            }
        }

        impl RenameBodyAddress {
            pub fn city<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.city = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for city: {e}")
                    });
                self
            }
        }

        impl ::std::convert::TryFrom<RenameBodyAddress> for super::RenameBodyAddress {
            type Error = super::error::ConversionError;
            fn try_from(
                value: RenameBodyAddress,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self { city: value.city? })
            }
        }

        impl ::std::convert::From<super::RenameBodyAddress> for RenameBodyAddress {
            fn from(value: super::RenameBodyAddress) -> Self {
                Self { city: Ok(value.city) }
            }
        }

        #[derive(Clone, Debug)]
        pub struct Square {
            kind: ::std::result::Result<super::SquareKind, ::std::string::String>,
            size: ::std::result::Result<f64, ::std::string::String>,
        }

        impl ::std::default::Default for Square {
            fn default() -> Self {
                Self {
                    kind: Err("no value supplied for kind".to_string()),
                    size: Err("no value supplied for size".to_string()),
                }
            }
        }

        impl Square {
            pub fn kind<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::SquareKind>,
                T::Error: ::std::fmt::Display,
            {
                self.kind = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for kind: {e}")
                    });
                self
            }

            pub fn size<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<f64>,
                T::Error: ::std::fmt::Display,
            {
                self.size = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for size: {e}")
                    });
                self
            }
        }

        impl ::std::convert::TryFrom<Square> for super::Square {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Square,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    kind: value.kind?,
                    size: value.size?,
                })
            }
        }

        impl ::std::convert::From<super::Square> for Square {
            fn from(value: super::Square) -> Self {
                Self {
                    kind: Ok(value.kind),
                    size: Ok(value.size),
                }
            }
        }

        #[derive(Clone, Debug)]
        pub struct Ticket {
            id: ::std::result::Result<::uuid::Uuid, ::std::string::String>,
        }

        impl ::std::default::Default for Ticket {
            fn default() -> Self {
                Self {
                    id: Err("no value supplied for id".to_string()),
                }
            }
        }

        impl Ticket {
            pub fn id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::uuid::Uuid>,
                T::Error: ::std::fmt::Display,
            {
                self.id = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for id: {e}"));
                self
            }
        }

        impl ::std::convert::TryFrom<Ticket> for super::Ticket {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Ticket,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self { id: value.id? })
            }
        }

        impl ::std::convert::From<super::Ticket> for Ticket {
            fn from(value: super::Ticket) -> Self {
                Self { id: Ok(value.id) }
            }
        }
    }

    /// Error types.
    pub mod error {
        /// Error from a `TryFrom` or `FromStr` implementation.
        pub struct ConversionError(::std::borrow::Cow<'static, str>);
        impl ::std::error::Error for ConversionError {}
        impl ::std::fmt::Display for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl ::std::fmt::Debug for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Debug::fmt(&self.0, f)
            }
        }

        impl From<&'static str> for ConversionError {
            fn from(value: &'static str) -> Self {
                Self(value.into())
            }
        }

        impl From<String> for ConversionError {
            fn from(value: String) -> Self {
                Self(value.into())
            }
        }
    }

    #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    #[non_exhaustive]
    pub enum Color {
        Red,
        Green,
        /// A value that this version of the client does not know, as the server sent it.
        Unknown(::std::string::String),
    }

    impl Color {
        /// The value as it is sent.
        pub fn as_str(&self) -> &str {
            match self {
                Self::Red => "red",
                Self::Green => "green",
                Self::Unknown(value) => value,
            }
        }
    }

    impl ::std::convert::From<&str> for Color {
        fn from(value: &str) -> Self {
            match value {
                "red" => Self::Red,
                "green" => Self::Green,
                value => Self::Unknown(value.to_owned()),
            }
        }
    }

    impl ::std::convert::From<::std::string::String> for Color {
        fn from(value: ::std::string::String) -> Self {
            Self::from(value.as_str())
        }
    }

    impl ::std::fmt::Display for Color {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            f.pad(self.as_str())
        }
    }

    impl ::serde::Serialize for Color {
        fn serialize<S: ::serde::Serializer>(
            &self,
            serializer: S,
        ) -> ::std::result::Result<S::Ok, S::Error> {
            serializer.serialize_str(self.as_str())
        }
    }

    impl<'de> ::serde::Deserialize<'de> for Color {
        fn deserialize<D: ::serde::Deserializer<'de>>(
            deserializer: D,
        ) -> ::std::result::Result<Self, D::Error> {
            <::std::string::String as ::serde::Deserialize>::deserialize(deserializer)
                .map(Self::from)
        }
    }

    #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    #[non_exhaustive]
    pub enum ListPetsType {
        Cat,
        Dog,
        X,
        Plus1,
        Minus1,
        AB,
        Ab2,
        /// A value that this version of the client does not know, as the server sent it.
        Unknown(::std::string::String),
    }

    impl ListPetsType {
        /// The value as it is sent.
        pub fn as_str(&self) -> &str {
            match self {
                Self::Cat => "cat",
                Self::Dog => "dog",
                Self::X => "",
                Self::Plus1 => "+1",
                Self::Minus1 => "-1",
                Self::AB => "a b",
                Self::Ab2 => "a-b",
                Self::Unknown(value) => value,
            }
        }
    }

    impl ::std::convert::From<&str> for ListPetsType {
        fn from(value: &str) -> Self {
            match value {
                "cat" => Self::Cat,
                "dog" => Self::Dog,
                "" => Self::X,
                "+1" => Self::Plus1,
                "-1" => Self::Minus1,
                "a b" => Self::AB,
                "a-b" => Self::Ab2,
                value => Self::Unknown(value.to_owned()),
            }
        }
    }

    impl ::std::convert::From<::std::string::String> for ListPetsType {
        fn from(value: ::std::string::String) -> Self {
            Self::from(value.as_str())
        }
    }

    impl ::std::fmt::Display for ListPetsType {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            f.pad(self.as_str())
        }
    }

    impl ::serde::Serialize for ListPetsType {
        fn serialize<S: ::serde::Serializer>(
            &self,
            serializer: S,
        ) -> ::std::result::Result<S::Ok, S::Error> {
            serializer.serialize_str(self.as_str())
        }
    }

    impl<'de> ::serde::Deserialize<'de> for ListPetsType {
        fn deserialize<D: ::serde::Deserializer<'de>>(
            deserializer: D,
        ) -> ::std::result::Result<Self, D::Error> {
            <::std::string::String as ::serde::Deserialize>::deserialize(deserializer)
                .map(Self::from)
        }
    }

    #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    #[non_exhaustive]
    pub enum PetKind {
        Cat,
        Dog,
        /// A value that this version of the client does not know, as the server sent it.
        Unknown(::std::string::String),
    }

    impl PetKind {
        /// The value as it is sent.
        pub fn as_str(&self) -> &str {
            match self {
                Self::Cat => "cat",
                Self::Dog => "dog",
                Self::Unknown(value) => value,
            }
        }
    }

    impl ::std::convert::From<&str> for PetKind {
        fn from(value: &str) -> Self {
            match value {
                "cat" => Self::Cat,
                "dog" => Self::Dog,
                value => Self::Unknown(value.to_owned()),
            }
        }
    }

    impl ::std::convert::From<::std::string::String> for PetKind {
        fn from(value: ::std::string::String) -> Self {
            Self::from(value.as_str())
        }
    }

    impl ::std::fmt::Display for PetKind {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            f.pad(self.as_str())
        }
    }

    impl ::serde::Serialize for PetKind {
        fn serialize<S: ::serde::Serializer>(
            &self,
            serializer: S,
        ) -> ::std::result::Result<S::Ok, S::Error> {
            serializer.serialize_str(self.as_str())
        }
    }

    impl<'de> ::serde::Deserialize<'de> for PetKind {
        fn deserialize<D: ::serde::Deserializer<'de>>(
            deserializer: D,
        ) -> ::std::result::Result<Self, D::Error> {
            <::std::string::String as ::serde::Deserialize>::deserialize(deserializer)
                .map(Self::from)
        }
    }

    #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    #[non_exhaustive]
    pub enum Result {
        Ok,
        Ok2,
        Unknown,
        /// A value that this version of the client does not know, as the server sent it.
        Unknown_(::std::string::String),
    }

    impl Result {
        /// The value as it is sent.
        pub fn as_str(&self) -> &str {
            match self {
                Self::Ok => "ok",
                Self::Ok2 => "Ok",
                Self::Unknown => "unknown",
                Self::Unknown_(value) => value,
            }
        }
    }

    impl ::std::convert::From<&str> for Result {
        fn from(value: &str) -> Self {
            match value {
                "ok" => Self::Ok,
                "Ok" => Self::Ok2,
                "unknown" => Self::Unknown,
                value => Self::Unknown_(value.to_owned()),
            }
        }
    }

    impl ::std::convert::From<::std::string::String> for Result {
        fn from(value: ::std::string::String) -> Self {
            Self::from(value.as_str())
        }
    }

    impl ::std::fmt::Display for Result {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            f.pad(self.as_str())
        }
    }

    impl ::serde::Serialize for Result {
        fn serialize<S: ::serde::Serializer>(
            &self,
            serializer: S,
        ) -> ::std::result::Result<S::Ok, S::Error> {
            serializer.serialize_str(self.as_str())
        }
    }

    impl<'de> ::serde::Deserialize<'de> for Result {
        fn deserialize<D: ::serde::Deserializer<'de>>(
            deserializer: D,
        ) -> ::std::result::Result<Self, D::Error> {
            <::std::string::String as ::serde::Deserialize>::deserialize(deserializer)
                .map(Self::from)
        }
    }
}

/// The requests of the operations.
pub mod builder {
    #[allow(unused_imports)]
    use super::{responses, types, wire};

    /// A `GET` request to `/pets/{petId}`.
    #[derive(Clone, Debug)]
    pub struct GetPet<'a> {
        client: &'a super::Client,
        pet_id: wire::Input<i64>,
        pet_id_query: wire::Input<::std::string::String>,
        x_trace: wire::Input<::std::vec::Vec<::std::string::String>>,
        session: wire::Input<::std::string::String>,
    }

    impl<'a> GetPet<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client,
                pet_id: Ok(None),
                pet_id_query: Ok(None),
                x_trace: Ok(None),
                session: Ok(None),
            }
        }

        /// Which pet.
        ///
        /// Required.
        pub fn pet_id<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<i64>,
            V::Error: ::std::fmt::Display,
        {
            self.pet_id = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`pet_id`: {error}"));
            self
        }

        /// Optional.
        pub fn pet_id_query<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::string::String>,
            V::Error: ::std::fmt::Display,
        {
            self.pet_id_query = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`pet_id_query`: {error}"));
            self
        }

        /// Optional.
        pub fn x_trace<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::vec::Vec<::std::string::String>>,
            V::Error: ::std::fmt::Display,
        {
            self.x_trace = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`x_trace`: {error}"));
            self
        }

        /// Optional.
        pub fn session<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::string::String>,
            V::Error: ::std::fmt::Display,
        {
            self.session = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`session`: {error}"));
            self
        }

        /// Sends the request.
        pub async fn send(
            self,
        ) -> ::std::result::Result<
            super::ResponseValue<types::Pet>,
            super::Error<responses::GetPetError>,
        > {
            let response = super::execute(self.client, self.request(), "getPet").await?;
            match response.status().as_u16() {
                200 => responses::json(response, |body: types::Pet| body).await,
                304 => {
                    responses::failed(
                        responses::empty(response, responses::GetPetError::NotModified),
                    )
                }
                404 => {
                    responses::failed(
                        responses::json(response, responses::GetPetError::NotFound)
                            .await?,
                    )
                }
                400..=499 => {
                    responses::failed(
                        responses::text(response, responses::GetPetError::ClientError)
                            .await?,
                    )
                }
                0..=199 | 300.. => {
                    responses::failed(
                        responses::json(response, responses::GetPetError::Default).await?,
                    )
                }
                _ => Err(super::Error::UnexpectedResponse(response)),
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let pet_id = wire::simple(
                "petId",
                &wire::required("pet_id", self.pet_id)?,
                false,
            )?;
            let url = wire::url(&self.client.baseurl, &["/pets/", &pet_id]);
            let mut query = ::std::vec::Vec::new();
            if let Some(value) = self.pet_id_query? {
                wire::form(&mut query, "petId", &value, true, false)?;
            }
            let url = wire::with_query(url, &query);
            let mut request = self
                .client
                .client
                .request(::reqwest::Method::GET, url)
                .header(
                    ::reqwest::header::ACCEPT,
                    "application/json, application/problem+json, text/plain",
                );
            if let Some(value) = self.x_trace? {
                request = request
                    .header("X-Trace", wire::header("X-Trace", &value, false)?);
            }
            let mut cookies = ::std::vec::Vec::new();
            if let Some(value) = self.session? {
                wire::form(&mut cookies, "session", &value, true, false)?;
            }
            if !cookies.is_empty() {
                request = request.header(::reqwest::header::COOKIE, cookies.join("; "));
            }
            wire::build(request)
        }
    }

    /// A `PATCH` request to `/pets/{petId}`.
    #[derive(Clone, Debug)]
    pub struct PatchPetsByPetId<'a> {
        client: &'a super::Client,
        pet_id: wire::Input<i64>,
        body: wire::Input<types::PetChange>,
    }

    impl<'a> PatchPetsByPetId<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client,
                pet_id: Ok(None),
                body: Ok(None),
            }
        }

        /// Which pet.
        ///
        /// Required.
        pub fn pet_id<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<i64>,
            V::Error: ::std::fmt::Display,
        {
            self.pet_id = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`pet_id`: {error}"));
            self
        }

        /// The body of the request.
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<types::PetChange>,
            V::Error: ::std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`body`: {error}"));
            self
        }

        /// Sends the request.
        pub async fn send(
            self,
        ) -> ::std::result::Result<
            super::ResponseValue<responses::PatchPetsByPetIdSuccess>,
            super::Error<responses::Unreadable>,
        > {
            let response = super::execute(
                    self.client,
                    self.request(),
                    "patch_pets_by_pet_id",
                )
                .await?;
            match response.status().as_u16() {
                200 => {
                    responses::json(response, responses::PatchPetsByPetIdSuccess::Ok)
                        .await
                }
                202 => {
                    responses::json(
                            response,
                            responses::PatchPetsByPetIdSuccess::Accepted,
                        )
                        .await
                }
                204 => {
                    Ok(
                        responses::empty(
                            response,
                            responses::PatchPetsByPetIdSuccess::NoContent,
                        ),
                    )
                }
                _ => Err(super::Error::UnexpectedResponse(response)),
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let pet_id = wire::simple(
                "petId",
                &wire::required("pet_id", self.pet_id)?,
                false,
            )?;
            let url = wire::url(&self.client.baseurl, &["/pets/", &pet_id]);
            let mut request = self
                .client
                .client
                .request(::reqwest::Method::PATCH, url)
                .header(::reqwest::header::ACCEPT, "application/json");
            if let Some(body) = self.body? {
                request = request
                    .header(
                        ::reqwest::header::CONTENT_TYPE,
                        "application/merge-patch+json",
                    )
                    .body(wire::json_text("body", &body)?);
            }
            wire::build(request)
        }
    }

    /// A `DELETE` request to `/pets/{petId}`.
    #[derive(Clone, Debug)]
    pub struct Delete<'a> {
        client: &'a super::Client,
        pet_id: wire::Input<i64>,
    }

    impl<'a> Delete<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self { client, pet_id: Ok(None) }
        }

        /// Which pet.
        ///
        /// Required.
        pub fn pet_id<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<i64>,
            V::Error: ::std::fmt::Display,
        {
            self.pet_id = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`pet_id`: {error}"));
            self
        }

        /// Sends the request.
        pub async fn send(
            self,
        ) -> ::std::result::Result<
            super::ResponseValue<()>,
            super::Error<responses::DeleteError>,
        > {
            let response = super::execute(self.client, self.request(), "delete").await?;
            match response.status().as_u16() {
                204 => Ok(responses::empty(response, ())),
                0..=199 | 300.. => {
                    responses::failed(
                        responses::json(response, responses::DeleteError::Default).await?,
                    )
                }
                _ => Err(super::Error::UnexpectedResponse(response)),
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let pet_id = wire::simple(
                "petId",
                &wire::required("pet_id", self.pet_id)?,
                false,
            )?;
            let url = wire::url(&self.client.baseurl, &["/pets/", &pet_id]);
            wire::build(
                self
                    .client
                    .client
                    .request(::reqwest::Method::DELETE, url)
                    .header(::reqwest::header::ACCEPT, "application/json"),
            )
        }
    }

    /// A `GET` request to `/pets`.
    #[derive(Clone, Debug)]
    pub struct ListPets<'a> {
        client: &'a super::Client,
        tags: wire::Input<::std::vec::Vec<::std::string::String>>,
        ids: wire::Input<::std::vec::Vec<i64>>,
        near: wire::Input<::std::vec::Vec<f64>>,
        colors: wire::Input<::std::vec::Vec<types::Color>>,
        filter: wire::Input<types::ListPetsFilter>,
        page: wire::Input<types::ListPetsPage>,
        where_: wire::Input<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
        path: wire::Input<::std::string::String>,
        type_: wire::Input<types::ListPetsType>,
        send_query: wire::Input<bool>,
        since: wire::Input<::chrono::DateTime<::chrono::offset::Utc>>,
    }

    impl<'a> ListPets<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client,
                tags: Ok(None),
                ids: Ok(None),
                near: Ok(None),
                colors: Ok(None),
                filter: Ok(None),
                page: Ok(None),
                where_: Ok(None),
                path: Ok(None),
                type_: Ok(None),
                send_query: Ok(None),
                since: Ok(None),
            }
        }

        /// Optional.
        pub fn tags<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::vec::Vec<::std::string::String>>,
            V::Error: ::std::fmt::Display,
        {
            self.tags = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`tags`: {error}"));
            self
        }

        /// Optional.
        pub fn ids<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::vec::Vec<i64>>,
            V::Error: ::std::fmt::Display,
        {
            self.ids = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`ids`: {error}"));
            self
        }

        /// Optional.
        pub fn near<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::vec::Vec<f64>>,
            V::Error: ::std::fmt::Display,
        {
            self.near = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`near`: {error}"));
            self
        }

        /// Optional.
        pub fn colors<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::vec::Vec<types::Color>>,
            V::Error: ::std::fmt::Display,
        {
            self.colors = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`colors`: {error}"));
            self
        }

        /// Optional.
        pub fn filter<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<types::ListPetsFilter>,
            V::Error: ::std::fmt::Display,
        {
            self.filter = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`filter`: {error}"));
            self
        }

        /// Optional.
        pub fn page<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<types::ListPetsPage>,
            V::Error: ::std::fmt::Display,
        {
            self.page = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`page`: {error}"));
            self
        }

        /// Optional.
        pub fn where_<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<
                ::std::collections::HashMap<::std::string::String, ::std::string::String>,
            >,
            V::Error: ::std::fmt::Display,
        {
            self.where_ = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`where_`: {error}"));
            self
        }

        /// Optional.
        pub fn path<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::string::String>,
            V::Error: ::std::fmt::Display,
        {
            self.path = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`path`: {error}"));
            self
        }

        /// Required.
        pub fn type_<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<types::ListPetsType>,
            V::Error: ::std::fmt::Display,
        {
            self.type_ = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`type_`: {error}"));
            self
        }

        /// Optional.
        pub fn send_query<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<bool>,
            V::Error: ::std::fmt::Display,
        {
            self.send_query = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`send_query`: {error}"));
            self
        }

        /// Optional.
        pub fn since<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::chrono::DateTime<::chrono::offset::Utc>>,
            V::Error: ::std::fmt::Display,
        {
            self.since = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`since`: {error}"));
            self
        }

        /// Sends the request.
        pub async fn send(
            self,
        ) -> ::std::result::Result<
            super::ResponseValue<::std::vec::Vec<types::Pet>>,
            super::Error<responses::ListPetsError>,
        > {
            let response = super::execute(self.client, self.request(), "list-pets")
                .await?;
            match response.status().as_u16() {
                200..=299 => {
                    responses::json(response, |body: ::std::vec::Vec<types::Pet>| body)
                        .await
                }
                0..=199 | 300.. => {
                    responses::failed(
                        responses::json(response, responses::ListPetsError::Default)
                            .await?,
                    )
                }
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let url = wire::url(&self.client.baseurl, &["/pets"]);
            let mut query = ::std::vec::Vec::new();
            if let Some(value) = self.tags? {
                wire::form(&mut query, "tags", &value, true, false)?;
            }
            if let Some(value) = self.ids? {
                wire::form(&mut query, "ids", &value, false, false)?;
            }
            if let Some(value) = self.near? {
                wire::delimited(&mut query, "near", &value, "%20")?;
            }
            if let Some(value) = self.colors? {
                wire::delimited(&mut query, "colors", &value, "%7C")?;
            }
            if let Some(value) = self.filter? {
                wire::deep_object(&mut query, "filter", &value)?;
            }
            if let Some(value) = self.page? {
                wire::form(&mut query, "page", &value, true, false)?;
            }
            if let Some(value) = self.where_? {
                wire::json_parameter(&mut query, "where", &value)?;
            }
            if let Some(value) = self.path? {
                wire::form(&mut query, "path", &value, true, true)?;
            }
            wire::form(
                &mut query,
                "type",
                &wire::required("type_", self.type_)?,
                true,
                false,
            )?;
            if let Some(value) = self.send_query? {
                wire::form(&mut query, "send", &value, true, false)?;
            }
            if let Some(value) = self.since? {
                wire::form(&mut query, "since", &value, true, false)?;
            }
            let url = wire::with_query(url, &query);
            wire::build(
                self
                    .client
                    .client
                    .request(::reqwest::Method::GET, url)
                    .header(::reqwest::header::ACCEPT, "application/json"),
            )
        }
    }

    /// A `POST` request to `/pets`.
    #[derive(Clone, Debug)]
    pub struct CreatePet<'a> {
        client: &'a super::Client,
        body: wire::Input<types::Pet>,
    }

    impl<'a> CreatePet<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self { client, body: Ok(None) }
        }

        /// The pet to create.
        ///
        /// Required.
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<types::Pet>,
            V::Error: ::std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`body`: {error}"));
            self
        }

        /// Sends the request.
        pub async fn send(
            self,
        ) -> ::std::result::Result<
            super::ResponseValue<types::Pet>,
            super::Error<responses::Unreadable>,
        > {
            let response = super::execute(self.client, self.request(), "createPet")
                .await?;
            match response.status().as_u16() {
                201 => responses::json(response, |body: types::Pet| body).await,
                _ => Err(super::Error::UnexpectedResponse(response)),
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let url = wire::url(&self.client.baseurl, &["/pets"]);
            let mut request = self
                .client
                .client
                .request(::reqwest::Method::POST, url)
                .header(::reqwest::header::ACCEPT, "application/json");
            let body = wire::required("body", self.body)?;
            request = request
                .header(::reqwest::header::CONTENT_TYPE, "application/json")
                .body(wire::json_text("body", &body)?);
            wire::build(request)
        }
    }

    /// A `PUT` request to `/owners/{name}.json`.
    #[derive(Clone, Debug)]
    pub struct Rename<'a> {
        client: &'a super::Client,
        name: wire::Input<::std::string::String>,
        body: wire::Input<types::RenameBody>,
    }

    impl<'a> Rename<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client,
                name: Ok(None),
                body: Ok(None),
            }
        }

        /// Required.
        pub fn name<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::string::String>,
            V::Error: ::std::fmt::Display,
        {
            self.name = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`name`: {error}"));
            self
        }

        /// The body of the request.
        ///
        /// Required.
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<types::RenameBody>,
            V::Error: ::std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`body`: {error}"));
            self
        }

        /// Sends the request.
        pub async fn send(
            self,
        ) -> ::std::result::Result<
            super::ResponseValue<()>,
            super::Error<responses::Unreadable>,
        > {
            let response = super::execute(self.client, self.request(), "rename").await?;
            match response.status().as_u16() {
                204 => Ok(responses::empty(response, ())),
                _ => Err(super::Error::UnexpectedResponse(response)),
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let name = wire::simple("name", &wire::required("name", self.name)?, false)?;
            let url = wire::url(&self.client.baseurl, &["/owners/", &name, ".json"]);
            let mut request = self.client.client.request(::reqwest::Method::PUT, url);
            let body = wire::required("body", self.body)?;
            let mut form = ::std::vec::Vec::new();
            for (name, value) in wire::fields(&body)? {
                match name.as_str() {
                    "meta" => {
                        wire::deep_object(&mut form, "meta", &value)?;
                    }
                    _ => wire::field(&mut form, &name, &value)?,
                }
            }
            request = request
                .header(
                    ::reqwest::header::CONTENT_TYPE,
                    "application/x-www-form-urlencoded",
                )
                .body(form.join("&"));
            wire::build(request)
        }
    }

    /// A `PUT` request to `/files/{key}`.
    #[derive(Debug)]
    pub struct Upload<'a> {
        client: &'a super::Client,
        key: wire::Input<::std::string::String>,
        body: wire::Input<::reqwest::Body>,
        content_type: wire::Input<::std::string::String>,
    }

    impl<'a> Upload<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client,
                key: Ok(None),
                body: Ok(None),
                content_type: Ok(None),
            }
        }

        /// Required.
        pub fn key<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::string::String>,
            V::Error: ::std::fmt::Display,
        {
            self.key = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`key`: {error}"));
            self
        }

        /// The body of the request.
        ///
        /// Required.
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::reqwest::Body>,
            V::Error: ::std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`body`: {error}"));
            self
        }

        /// The media type of the body.
        ///
        /// Default: `image/png`.
        pub fn content_type<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::string::String>,
            V::Error: ::std::fmt::Display,
        {
            self.content_type = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`content_type`: {error}"));
            self
        }

        /// Sends the request.
        pub async fn send(
            self,
        ) -> ::std::result::Result<
            super::ResponseValue<::std::string::String>,
            super::Error<responses::Unreadable>,
        > {
            let response = super::execute(self.client, self.request(), "upload").await?;
            match response.status().as_u16() {
                200 => {
                    responses::text(response, |body: ::std::string::String| body).await
                }
                _ => Err(super::Error::UnexpectedResponse(response)),
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let key = wire::matrix("key", &wire::required("key", self.key)?, false)?;
            let url = wire::url(&self.client.baseurl, &["/files/", &key]);
            let mut request = self
                .client
                .client
                .request(::reqwest::Method::PUT, url)
                .header(::reqwest::header::ACCEPT, "text/plain");
            let body = wire::required("body", self.body)?;
            let content_type = self
                .content_type?
                .unwrap_or_else(|| "image/png".to_owned());
            request = request
                .header(::reqwest::header::CONTENT_TYPE, content_type)
                .body(body);
            wire::build(request)
        }
    }

    /// A `GET` request to `/files/{key}`.
    #[derive(Clone, Debug)]
    pub struct Download<'a> {
        client: &'a super::Client,
        key: wire::Input<::std::string::String>,
    }

    impl<'a> Download<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self { client, key: Ok(None) }
        }

        /// Required.
        pub fn key<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::string::String>,
            V::Error: ::std::fmt::Display,
        {
            self.key = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`key`: {error}"));
            self
        }

        /// Sends the request.
        pub async fn send(
            self,
        ) -> ::std::result::Result<
            super::ResponseValue<super::ByteStream>,
            super::Error<responses::Unreadable>,
        > {
            let response = super::execute(self.client, self.request(), "download")
                .await?;
            match response.status().as_u16() {
                200 => Ok(responses::stream(response)),
                _ => Err(super::Error::UnexpectedResponse(response)),
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let key = wire::label("key", &wire::required("key", self.key)?, false)?;
            let url = wire::url(&self.client.baseurl, &["/files/", &key]);
            wire::build(
                self
                    .client
                    .client
                    .request(::reqwest::Method::GET, url)
                    .header(::reqwest::header::ACCEPT, "application/octet-stream"),
            )
        }
    }

    /// A `POST` request to `/files/{key}`.
    #[derive(Clone, Debug)]
    pub struct Attach<'a> {
        client: &'a super::Client,
        key: wire::Input<::std::string::String>,
        file: wire::Input<super::multipart::File>,
        more: wire::Input<::std::vec::Vec<super::multipart::File>>,
        pet: wire::Input<types::Ticket>,
        title: wire::Input<::std::string::String>,
    }

    impl<'a> Attach<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client,
                key: Ok(None),
                file: Ok(None),
                more: Ok(None),
                pet: Ok(None),
                title: Ok(None),
            }
        }

        /// Required.
        pub fn key<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::string::String>,
            V::Error: ::std::fmt::Display,
        {
            self.key = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`key`: {error}"));
            self
        }

        /// Required.
        pub fn file<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<super::multipart::File>,
            V::Error: ::std::fmt::Display,
        {
            self.file = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`file`: {error}"));
            self
        }

        /// Optional.
        pub fn more<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::vec::Vec<super::multipart::File>>,
            V::Error: ::std::fmt::Display,
        {
            self.more = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`more`: {error}"));
            self
        }

        /// Optional.
        pub fn pet<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<types::Ticket>,
            V::Error: ::std::fmt::Display,
        {
            self.pet = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`pet`: {error}"));
            self
        }

        /// Optional.
        pub fn title<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::string::String>,
            V::Error: ::std::fmt::Display,
        {
            self.title = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`title`: {error}"));
            self
        }

        /// Sends the request.
        pub async fn send(
            self,
        ) -> ::std::result::Result<
            super::ResponseValue<()>,
            super::Error<responses::Unreadable>,
        > {
            let response = super::execute(self.client, self.request(), "attach").await?;
            match response.status().as_u16() {
                201 => Ok(responses::empty(response, ())),
                _ => Err(super::Error::UnexpectedResponse(response)),
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let key = wire::simple("key", &wire::required("key", self.key)?, false)?;
            let url = wire::url(&self.client.baseurl, &["/files/", &key]);
            let mut request = self.client.client.request(::reqwest::Method::POST, url);
            let mut parts = ::std::vec::Vec::new();
            {
                let value = wire::required("file", self.file)?;
                parts.push(super::multipart::file("file", value));
            }
            if let Some(value) = self.more? {
                parts
                    .extend(
                        value
                            .into_iter()
                            .map(|file| super::multipart::file("more", file)),
                    );
            }
            if let Some(value) = self.pet? {
                parts.extend(super::multipart::parts("pet", &value, None)?);
            }
            if let Some(value) = self.title? {
                parts.extend(super::multipart::parts("title", &value, None)?);
            }
            let (media_type, content) = super::multipart::body(&parts);
            request = request
                .header(::reqwest::header::CONTENT_TYPE, media_type)
                .body(content);
            wire::build(request)
        }
    }

    /// A `POST` request to `/notes`.
    #[derive(Clone, Debug)]
    pub struct PostNotes<'a> {
        client: &'a super::Client,
        body: wire::Input<::std::string::String>,
    }

    impl<'a> PostNotes<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self { client, body: Ok(None) }
        }

        /// The body of the request.
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::string::String>,
            V::Error: ::std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`body`: {error}"));
            self
        }

        /// Sends the request.
        pub async fn send(
            self,
        ) -> ::std::result::Result<
            super::ResponseValue<::serde_json::Value>,
            super::Error<responses::Unreadable>,
        > {
            let response = super::execute(self.client, self.request(), "post_notes")
                .await?;
            match response.status().as_u16() {
                200 => responses::json(response, |body: ::serde_json::Value| body).await,
                _ => Err(super::Error::UnexpectedResponse(response)),
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let url = wire::url(&self.client.baseurl, &["/notes"]);
            let mut request = self
                .client
                .client
                .request(::reqwest::Method::POST, url)
                .header(::reqwest::header::ACCEPT, "application/json");
            if let Some(body) = self.body? {
                request = request
                    .header(::reqwest::header::CONTENT_TYPE, "text/plain")
                    .body(body);
            }
            wire::build(request)
        }
    }

    /// A `POST` request to `/shapes`.
    #[derive(Clone, Debug)]
    pub struct New2<'a> {
        client: &'a super::Client,
        body: wire::Input<types::Shape>,
    }

    impl<'a> New2<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self { client, body: Ok(None) }
        }

        /// The body of the request.
        ///
        /// Required.
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<types::Shape>,
            V::Error: ::std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`body`: {error}"));
            self
        }

        /// Sends the request.
        pub async fn send(
            self,
        ) -> ::std::result::Result<
            super::ResponseValue<types::Shape>,
            super::Error<responses::Unreadable>,
        > {
            let response = super::execute(self.client, self.request(), "new").await?;
            match response.status().as_u16() {
                200 => responses::json(response, |body: types::Shape| body).await,
                _ => Err(super::Error::UnexpectedResponse(response)),
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let url = wire::url(&self.client.baseurl, &["/shapes"]);
            let mut request = self
                .client
                .client
                .request(::reqwest::Method::POST, url)
                .header(::reqwest::header::ACCEPT, "application/json");
            let body = wire::required("body", self.body)?;
            request = request
                .header(::reqwest::header::CONTENT_TYPE, "application/json")
                .body(wire::json_text("body", &body)?);
            wire::build(request)
        }
    }

    /// A `OPTIONS` request to `/shapes`.
    #[derive(Clone, Debug)]
    pub struct OptionsShapes<'a> {
        client: &'a super::Client,
    }

    impl<'a> OptionsShapes<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self { client }
        }

        /// Sends the request.
        pub async fn send(
            self,
        ) -> ::std::result::Result<
            super::ResponseValue<()>,
            super::Error<responses::Unreadable>,
        > {
            let response = super::execute(self.client, self.request(), "options_shapes")
                .await?;
            match response.status().as_u16() {
                204 => Ok(responses::empty(response, ())),
                _ => Err(super::Error::UnexpectedResponse(response)),
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let url = wire::url(&self.client.baseurl, &["/shapes"]);
            wire::build(self.client.client.request(::reqwest::Method::OPTIONS, url))
        }
    }

    /// A `GET` request to `/types`.
    #[derive(Clone, Debug)]
    pub struct Error<'a> {
        client: &'a super::Client,
    }

    impl<'a> Error<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self { client }
        }

        /// Sends the request.
        pub async fn send(
            self,
        ) -> ::std::result::Result<
            super::ResponseValue<types::Everything>,
            super::Error<responses::Unreadable>,
        > {
            let response = super::execute(self.client, self.request(), "Error").await?;
            match response.status().as_u16() {
                200 => responses::json(response, |body: types::Everything| body).await,
                _ => Err(super::Error::UnexpectedResponse(response)),
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let url = wire::url(&self.client.baseurl, &["/types"]);
            wire::build(
                self
                    .client
                    .client
                    .request(::reqwest::Method::GET, url)
                    .header(::reqwest::header::ACCEPT, "application/json"),
            )
        }
    }
}

/// The responses of the operations.
pub mod responses {
    #[allow(unused_imports)]
    use super::types;
    use super::{ByteStream, Error, ResponseValue};

    /// The body of a documented response that is not what the contract says it is.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Unreadable {
        /// The body as it was received.
        pub body: Vec<u8>,
        /// What is wrong with it.
        pub reason: String,
    }

    /// A response as an error.
    #[allow(clippy::result_large_err)]
    pub(crate) fn failed<T, E>(
        response: ResponseValue<E>,
    ) -> Result<ResponseValue<T>, Error<E>> {
        Err(Error::ErrorResponse(response))
    }

    /// Reads a body of JSON.
    pub(crate) async fn json<T, U, E>(
        response: ::reqwest::Response,
        variant: impl FnOnce(T) -> U,
    ) -> Result<ResponseValue<U>, Error<E>>
    where
        T: ::serde::de::DeserializeOwned,
        E: From<Unreadable>,
    {
        read(
                response,
                |body| ::serde_json::from_slice(body).map_err(|error| error.to_string()),
                variant,
            )
            .await
    }

    /// Reads a body of text.
    pub(crate) async fn text<U, E: From<Unreadable>>(
        response: ::reqwest::Response,
        variant: impl FnOnce(String) -> U,
    ) -> Result<ResponseValue<U>, Error<E>> {
        read(
                response,
                |body| {
                    String::from_utf8(body.to_vec()).map_err(|error| error.to_string())
                },
                variant,
            )
            .await
    }

    /// Reads a body of bytes.
    pub(crate) async fn bytes<U, E: From<Unreadable>>(
        response: ::reqwest::Response,
        variant: impl FnOnce(Vec<u8>) -> U,
    ) -> Result<ResponseValue<U>, Error<E>> {
        read(response, |body| Ok(body.to_vec()), variant).await
    }

    /// A body that the caller reads.
    pub(crate) fn stream(response: ::reqwest::Response) -> ResponseValue<ByteStream> {
        ResponseValue::stream(response)
    }

    /// A response without a body, or whose body says nothing.
    pub(crate) fn empty<U>(
        response: ::reqwest::Response,
        variant: U,
    ) -> ResponseValue<U> {
        ResponseValue::new(variant, response.status(), response.headers().clone())
    }

    /// Reads a body. If it is not what it should be, status and headers are kept.
    async fn read<T, U, E: From<Unreadable>>(
        response: ::reqwest::Response,
        parse: impl FnOnce(&[u8]) -> Result<T, String>,
        variant: impl FnOnce(T) -> U,
    ) -> Result<ResponseValue<U>, Error<E>> {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(Error::ResponseBodyError)?;
        match parse(&body) {
            Ok(value) => Ok(ResponseValue::new(variant(value), status, headers)),
            Err(reason) => {
                let unreadable = Unreadable {
                    body: body.to_vec(),
                    reason,
                };
                Err(
                    Error::ErrorResponse(
                        ResponseValue::new(unreadable.into(), status, headers),
                    ),
                )
            }
        }
    }

    /// The errors of `GET /pets/{petId}`.
    #[derive(Clone, Debug)]
    pub enum GetPetError {
        /// 304: Not changed.
        NotModified,
        /// 404: No such pet.
        NotFound(types::Problem),
        /// 4XX: Wrong.
        ClientError(::std::string::String),
        /// Any other status: Failed.
        Default(types::GetPetDefault),
        /// A documented response whose body is not what the contract says it is.
        Unreadable(Unreadable),
    }

    impl ::std::convert::From<Unreadable> for GetPetError {
        fn from(unreadable: Unreadable) -> Self {
            Self::Unreadable(unreadable)
        }
    }

    /// The successes of `PATCH /pets/{petId}`.
    #[derive(Clone, Debug)]
    pub enum PatchPetsByPetIdSuccess {
        /// 200: Changed.
        Ok(types::Pet),
        /// 202: Will be changed.
        Accepted(types::Ticket),
        /// 204: Nothing to change.
        NoContent,
    }

    /// The errors of `DELETE /pets/{petId}`.
    #[derive(Clone, Debug)]
    pub enum DeleteError {
        /// Any other status: Failed.
        Default(types::Problem),
        /// A documented response whose body is not what the contract says it is.
        Unreadable(Unreadable),
    }

    impl ::std::convert::From<Unreadable> for DeleteError {
        fn from(unreadable: Unreadable) -> Self {
            Self::Unreadable(unreadable)
        }
    }

    /// The errors of `GET /pets`.
    #[derive(Clone, Debug)]
    pub enum ListPetsError {
        /// Any other status: Failed.
        Default(types::Problem),
        /// A documented response whose body is not what the contract says it is.
        Unreadable(Unreadable),
    }

    impl ::std::convert::From<Unreadable> for ListPetsError {
        fn from(unreadable: Unreadable) -> Self {
            Self::Unreadable(unreadable)
        }
    }
}

/// Bodies of several parts.
pub mod multipart {
    /// A file of a multipart body.
    #[derive(Clone, Debug, PartialEq)]
    pub struct File {
        /// The name that the server is told, such as `cat.png`.
        pub name: String,
        /// The media type, such as `image/png`.
        pub media_type: String,
        /// The content.
        pub content: Vec<u8>,
    }

    impl File {
        /// A file of unknown type.
        pub fn new(name: impl Into<String>, content: impl Into<Vec<u8>>) -> File {
            File {
                name: name.into(),
                media_type: "application/octet-stream".to_owned(),
                content: content.into(),
            }
        }
    }

    /// A part of a body.
    pub(crate) struct Part {
        name: String,
        file_name: Option<String>,
        media_type: Option<String>,
        content: Vec<u8>,
    }

    /// A part that is a file.
    pub(crate) fn file(name: &str, file: File) -> Part {
        let File { name: file_name, media_type, content } = file;
        Part {
            name: name.to_owned(),
            file_name: Some(file_name),
            media_type: Some(media_type),
            content,
        }
    }

    /// A part that is a text.
    pub(crate) fn text(name: &str, text: String, media_type: Option<&str>) -> Part {
        Part {
            name: name.to_owned(),
            file_name: None,
            media_type: media_type.map(str::to_owned),
            content: text.into_bytes(),
        }
    }

    /// The parts of a value: each item of a list is a part, an object is a part with JSON.
    pub(crate) fn parts<T: ::serde::Serialize>(
        name: &str,
        value: &T,
        media_type: Option<&str>,
    ) -> Result<Vec<Part>, String> {
        use ::serde_json::Value;
        let written = super::wire::json_text(name, value)?;
        let value = ::serde_json::from_str(&written)
            .map_err(|error| format!("`{name}` is no JSON: {error}"))?;
        let part = |value: &Value| match value {
            Value::String(content) => text(name, content.clone(), media_type),
            Value::Object(_) | Value::Array(_) => {
                text(name, value.to_string(), media_type.or(Some("application/json")))
            }
            value => text(name, value.to_string(), media_type),
        };
        Ok(
            match &value {
                Value::Null => Vec::new(),
                Value::Array(items) if media_type.is_none() => {
                    items.iter().map(part).collect()
                }
                value => vec![part(value)],
            },
        )
    }

    /// The media type with its boundary, and the body.
    pub(crate) fn body(parts: &[Part]) -> (String, Vec<u8>) {
        let holds = |content: &[u8], boundary: &str| {
            content.windows(boundary.len()).any(|window| window == boundary.as_bytes())
        };
        let mut boundary = "part-boundary".to_owned();
        while parts.iter().any(|part| holds(&part.content, &boundary)) {
            boundary.push('x');
        }
        let quoted = |text: &str| {
            text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
        };
        let mut body = Vec::new();
        for part in parts {
            let name = quoted(&part.name);
            let mut head = format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\""
            );
            if let Some(file_name) = &part.file_name {
                let file_name = quoted(file_name);
                head.push_str(&format!("; filename=\"{file_name}\""));
            }
            if let Some(media_type) = &part.media_type {
                let media_type = media_type.replace(['\r', '\n'], "");
                head.push_str(&format!("\r\nContent-Type: {media_type}"));
            }
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(b"\r\n\r\n");
            body.extend_from_slice(&part.content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        (format!("multipart/form-data; boundary={boundary}"), body)
    }
}

/// Properties that may be missing or null: `None` is missing, `Some(None)` is null.
mod nulls {
    /// Reads a property that is not missing.
    pub fn read<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: ::serde::Deserialize<'de>,
        D: ::serde::Deserializer<'de>,
    {
        T::deserialize(deserializer).map(Some)
    }
}

/// How values are written in a request.
mod wire {
    use ::serde::Serialize;
    use ::serde_json::Value;

    /// A value that the caller may have set, or why what was set is no value.
    pub type Input<T> = Result<Option<T>, String>;
    /// The value of a parameter without which there is no request.
    pub fn required<T>(name: &str, value: Input<T>) -> Result<T, String> {
        value?.ok_or_else(|| format!("`{name}` is missing"))
    }

    /// A URL: the base without a slash at its end, and the parts of the path.
    pub fn url(base: &str, parts: &[&str]) -> String {
        let mut url = base.trim_end_matches('/').to_owned();
        parts.iter().for_each(|part| url.push_str(part));
        url
    }

    /// A URL with parameters.
    pub fn with_query(url: String, query: &[String]) -> String {
        if query.is_empty() {
            return url;
        }
        let separator = if url.contains('?') { '&' } else { '?' };
        let query = query.join("&");
        format!("{url}{separator}{query}")
    }

    /// A variable of a path in the style `simple`. A path with an empty variable, or with dots alone, would be another path.
    pub fn simple<T: Serialize>(
        name: &str,
        value: &T,
        explode: bool,
    ) -> Result<String, String> {
        let text = joined(
            &json(name, value)?,
            ",",
            if explode { "=" } else { "," },
            false,
        );
        if matches!(text.as_str(), "" | "." | "..") {
            return Err(format!("`{name}` cannot be `{text}`"));
        }
        Ok(text)
    }

    /// A variable of a path in the style `label`.
    pub fn label<T: Serialize>(
        name: &str,
        value: &T,
        explode: bool,
    ) -> Result<String, String> {
        let (separator, between) = if explode { (".", "=") } else { (",", ",") };
        let text = joined(&json(name, value)?, separator, between, false);
        Ok(format!(".{text}"))
    }

    /// A variable of a path in the style `matrix`.
    pub fn matrix<T: Serialize>(
        name: &str,
        value: &T,
        explode: bool,
    ) -> Result<String, String> {
        let value = json(name, value)?;
        let name = encoded(name, false);
        Ok(
            match &value {
                Value::Array(items) if explode => {
                    let parts = items
                        .iter()
                        .map(|item| pair(
                            &format!(";{name}"),
                            "=",
                            &encoded(&text(item), false),
                        ));
                    parts.collect()
                }
                Value::Object(_) if explode => {
                    pair("", ";", &joined(&value, ";", "=", false))
                }
                _ => pair(&format!(";{name}"), "=", &joined(&value, ",", ",", false)),
            },
        )
    }

    /// A parameter in the style `form`.
    pub fn form<T: Serialize>(
        query: &mut Vec<String>,
        name: &str,
        value: &T,
        explode: bool,
        reserved: bool,
    ) -> Result<(), String> {
        let value = json(name, value)?;
        let name = encoded(name, false);
        match &value {
            Value::Null => {}
            Value::Array(items) if items.is_empty() => {}
            Value::Array(items) if explode => {
                query
                    .extend(
                        items
                            .iter()
                            .map(|item| pair(
                                &name,
                                "=",
                                &encoded(&text(item), reserved),
                            )),
                    );
            }
            Value::Object(entries) if explode => {
                let entries = entries.iter().filter(|(_, value)| !value.is_null());
                query
                    .extend(
                        entries
                            .map(|(key, value)| pair(
                                &encoded(key, false),
                                "=",
                                &encoded(&text(value), reserved),
                            )),
                    );
            }
            _ => query.push(pair(&name, "=", &joined(&value, ",", ",", reserved))),
        }
        Ok(())
    }

    /// A parameter in the styles `spaceDelimited` and `pipeDelimited`, not exploded. The delimiter is percent-encoded.
    pub fn delimited<T: Serialize>(
        query: &mut Vec<String>,
        name: &str,
        value: &T,
        delimiter: &str,
    ) -> Result<(), String> {
        let value = json(name, value)?;
        query
            .push(
                pair(
                    &encoded(name, false),
                    "=",
                    &joined(&value, delimiter, delimiter, false),
                ),
            );
        Ok(())
    }

    /// A parameter in the style `deepObject`. Deeper objects and lists are written in the same way, with indexes for lists.
    pub fn deep_object<T: Serialize>(
        query: &mut Vec<String>,
        name: &str,
        value: &T,
    ) -> Result<(), String> {
        let mut open = vec![(encoded(name, false), json(name, value) ?)];
        while let Some((name, value)) = open.pop() {
            let inside = |key: &str| {
                let key = encoded(key, false);
                format!("{name}%5B{key}%5D")
            };
            match value {
                Value::Null => {}
                Value::Object(entries) => {
                    open.extend(
                        entries
                            .into_iter()
                            .rev()
                            .map(|(key, value)| (inside(&key), value)),
                    )
                }
                Value::Array(items) => {
                    open.extend(
                        items
                            .into_iter()
                            .enumerate()
                            .rev()
                            .map(|(index, value)| (inside(&index.to_string()), value)),
                    );
                }
                _ => query.push(pair(&name, "=", &encoded(&text(&value), false))),
            }
        }
        Ok(())
    }

    /// A parameter that is written as JSON.
    pub fn json_parameter<T: Serialize>(
        query: &mut Vec<String>,
        name: &str,
        value: &T,
    ) -> Result<(), String> {
        query
            .push(
                pair(
                    &encoded(name, false),
                    "=",
                    &encoded(&json_text(name, value)?, false),
                ),
            );
        Ok(())
    }

    /// The fields of a form, in order.
    pub fn fields<T: Serialize>(body: &T) -> Result<Vec<(String, Value)>, String> {
        match json("body", body)? {
            Value::Object(entries) => {
                Ok(entries.into_iter().filter(|(_, value)| !value.is_null()).collect())
            }
            _ => Err("`body` has no fields".to_owned()),
        }
    }

    /// A field of a form: an object as JSON, everything else in the style `form`.
    pub fn field(
        form_body: &mut Vec<String>,
        name: &str,
        value: &Value,
    ) -> Result<(), String> {
        if value.is_object() {
            json_parameter(form_body, name, value)
        } else {
            form(form_body, name, value, true, false)
        }
    }

    /// The value of a header.
    pub fn header<T: Serialize>(
        name: &str,
        value: &T,
        explode: bool,
    ) -> Result<::reqwest::header::HeaderValue, String> {
        let between = if explode { "=" } else { "," };
        let text = match &json(name, value)? {
            Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
            Value::Object(entries) => {
                entries
                    .iter()
                    .map(|(key, value)| pair(key, between, &text(value)))
                    .collect::<Vec<_>>()
                    .join(",")
            }
            value => text(value),
        };
        ::reqwest::header::HeaderValue::try_from(text)
            .map_err(|error| format!("`{name}` cannot be sent: {error}"))
    }

    /// A value as JSON text.
    pub fn json_text<T: Serialize>(name: &str, value: &T) -> Result<String, String> {
        ::serde_json::to_string(value)
            .map_err(|error| format!("`{name}` cannot be written as JSON: {error}"))
    }

    /// A finished request, or why it cannot be sent.
    pub fn build(
        request: ::reqwest::RequestBuilder,
    ) -> Result<::reqwest::Request, String> {
        request
            .build()
            .map_err(|error| {
                let mut text = error.to_string();
                let mut source = ::std::error::Error::source(&error);
                while let Some(error) = source {
                    text = format!("{text}: {error}");
                    source = error.source();
                }
                text
            })
    }

    /// A value as JSON, by way of text: otherwise numbers of 32 bits would get more digits.
    fn json<T: Serialize>(name: &str, value: &T) -> Result<Value, String> {
        ::serde_json::from_str(&json_text(name, value)?)
            .map_err(|error| format!("`{name}` is no JSON: {error}"))
    }

    /// A value as a text without quotes.
    fn text(value: &Value) -> String {
        match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        }
    }

    /// Two texts with something between them.
    fn pair(first: &str, between: &str, second: &str) -> String {
        format!("{first}{between}{second}")
    }

    /// The parts of a value with a separator between them, and `between` between key and value.
    fn joined(value: &Value, separator: &str, between: &str, reserved: bool) -> String {
        let part = |value: &Value| encoded(&text(value), reserved);
        match value {
            Value::Array(items) => {
                items.iter().map(part).collect::<Vec<_>>().join(separator)
            }
            Value::Object(entries) => {
                let entries = entries.iter().filter(|(_, value)| !value.is_null());
                let entries = entries
                    .map(|(key, value)| pair(
                        &encoded(key, false),
                        between,
                        &part(value),
                    ));
                entries.collect::<Vec<_>>().join(separator)
            }
            value => part(value),
        }
    }

    /// A text with every byte percent-encoded that is neither unreserved nor, if they are allowed, reserved.
    fn encoded(text: &str, reserved: bool) -> String {
        let mut encoded = String::with_capacity(text.len());
        for byte in text.bytes() {
            let is_kept = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
                || reserved && b":/?@!$'()*,;[]".contains(&byte);
            if is_kept {
                encoded.push(char::from(byte));
            } else {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
        encoded
    }
}
