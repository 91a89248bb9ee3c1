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

/// A client of Awkward */ " \ {x}.
///
/// Names and schemas that no careful person writes.
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
        ""
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
    /// */ \ ```rust fn x() {}
    ///
    /// Sends a `POST` request to `/a`.
    ///
    /// Required: `value`.
    ///
    /// Not as the contract says:
    ///
    /// - a response is unknown to the client, because `999` is not a status: statuses are `404`, `4XX` or `default`.
    pub fn fn_(&self) -> builder::Fn<'_> {
        builder::Fn::new(self)
    }

    /// Sends a `GET` request to `/a/{x}{y}/{x}`.
    ///
    /// Required: `x`, `y`.
    pub fn get_a_by_x_y_by_x(&self) -> builder::GetAByXyByX<'_> {
        builder::GetAByXyByX::new(self)
    }

    /// Sends a `GET` request to `/b?c={d}&e`.
    ///
    /// Required: `d`.
    pub fn get_b_c_d_e(&self) -> builder::GetBcde<'_> {
        builder::GetBcde::new(self)
    }

    /// Sends a `TRACE` request to `/types`.
    pub fn types(&self) -> builder::Types<'_> {
        builder::Types::new(self)
    }

    /// Sends a `GET` request to `/client`.
    ///
    /// Not as the contract says:
    ///
    /// - where several alternatives of an `anyOf` fit, only one is read.
    pub fn client2(&self) -> builder::Client2<'_> {
        builder::Client2::new(self)
    }

    /// Sends a `GET` request to `/small/{note}`.
    ///
    /// Required: `note`.
    pub fn small(&self) -> builder::Small<'_> {
        builder::Small::new(self)
    }

    /// Sends a `PATCH` request to `/p`.
    ///
    /// Not as the contract says:
    ///
    /// - where several alternatives of an `anyOf` fit, only one is read.
    pub fn super_(&self) -> builder::Super<'_> {
        builder::Super::new(self)
    }

    /// left \u{202e} right end
    ///
    /// Sends a `PUT` request to `/into`.
    ///
    /// Credentials: `api_key` and `API-Key`.
    ///
    /// Not as the contract says:
    ///
    /// - the body could also be `text/plain`; it is always sent as `application/json`.
    /// - the response 200 could also be `application/hal+json`; the client asks for `application/json`.
    /// - where several alternatives of an `anyOf` fit, only one is read.
    pub fn into(&self) -> builder::Into<'_> {
        builder::Into::new(self)
    }
}

/// Types used as operation parameters and responses.
pub mod types {
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct Box {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(default, deserialize_with = "super::nulls::read")]
        pub arr: ::std::option::Option<
            ::std::option::Option<::std::vec::Vec<::std::option::Option<i64>>>,
        >,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub b: ::std::option::Option<bool>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub big: ::std::option::Option<i64>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(default, deserialize_with = "super::nulls::read")]
        pub builder: ::std::option::Option<::std::option::Option<Builder>>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub cl: ::std::option::Option<Client2>,
        /// Default: `1`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub default: ::std::option::Option<::std::string::String>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub dup: ::std::option::Option<BoxDup>,
        /// Default: `"x"`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(default, deserialize_with = "super::nulls::read")]
        pub error: ::std::option::Option<::std::option::Option<::std::string::String>>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub errs: ::std::option::Option<Error>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(default, deserialize_with = "super::nulls::read")]
        pub map: ::std::option::Option<
            ::std::option::Option<
                ::std::collections::HashMap<
                    ::std::string::String,
                    ::std::option::Option<::std::string::String>,
                >,
            >,
        >,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub n: ::std::option::Option<i64>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub n32: ::std::option::Option<f32>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub nest: ::std::option::Option<BoxNest>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub sf: ::std::option::Option<Self_>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub tys: ::std::option::Option<Types>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub u: ::std::option::Option<BoxU>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub uid: ::std::option::Option<::uuid::Uuid>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub when: ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
    }

    impl Box {
        pub fn builder() -> builder::Box {
            Default::default()
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(untagged)]
    pub enum BoxDup {
        Array(::std::vec::Vec<::std::string::String>),
        String(::std::string::String),
    }

    impl ::std::convert::From<::std::vec::Vec<::std::string::String>> for BoxDup {
        fn from(value: ::std::vec::Vec<::std::string::String>) -> Self {
            Self::Array(value)
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(untagged)]
    pub enum BoxNest {
        BoxNestVariant1(BoxNestVariant1),
        String(::std::string::String),
    }

    impl ::std::convert::From<BoxNestVariant1> for BoxNest {
        fn from(value: BoxNestVariant1) -> Self {
            Self::BoxNestVariant1(value)
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(untagged)]
    pub enum BoxNestVariant1 {
        Int64(i64),
        BoxNestVariant1Variant1(BoxNestVariant1Variant1),
    }

    impl ::std::convert::From<i64> for BoxNestVariant1 {
        fn from(value: i64) -> Self {
            Self::Int64(value)
        }
    }

    impl ::std::convert::From<BoxNestVariant1Variant1> for BoxNestVariant1 {
        fn from(value: BoxNestVariant1Variant1) -> Self {
            Self::BoxNestVariant1Variant1(value)
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(untagged)]
    pub enum BoxNestVariant1Variant1 {
        Box(::std::boxed::Box<Box>),
        Boolean(bool),
    }

    impl ::std::convert::From<::std::boxed::Box<Box>> for BoxNestVariant1Variant1 {
        fn from(value: ::std::boxed::Box<Box>) -> Self {
            Self::Box(value)
        }
    }

    impl ::std::convert::From<bool> for BoxNestVariant1Variant1 {
        fn from(value: bool) -> Self {
            Self::Boolean(value)
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(untagged)]
    pub enum BoxU {
        Int64(i64),
        Boolean(bool),
        Array(::std::vec::Vec<::serde_json::Value>),
        Object(::serde_json::Map<::std::string::String, ::serde_json::Value>),
        Double(f64),
        String(::std::string::String),
    }

    impl ::std::convert::From<i64> for BoxU {
        fn from(value: i64) -> Self {
            Self::Int64(value)
        }
    }

    impl ::std::convert::From<bool> for BoxU {
        fn from(value: bool) -> Self {
            Self::Boolean(value)
        }
    }

    impl ::std::convert::From<::std::vec::Vec<::serde_json::Value>> for BoxU {
        fn from(value: ::std::vec::Vec<::serde_json::Value>) -> Self {
            Self::Array(value)
        }
    }

    impl ::std::convert::From<
        ::serde_json::Map<::std::string::String, ::serde_json::Value>,
    > for BoxU {
        fn from(
            value: ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        ) -> Self {
            Self::Object(value)
        }
    }

    impl ::std::convert::From<f64> for BoxU {
        fn from(value: f64) -> Self {
            Self::Double(value)
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct Builder {
        #[serde(
            rename = "Default",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub default: ::std::option::Option<::std::string::String>,
    }

    impl Builder {
        pub fn builder() -> builder::Builder {
            Default::default()
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct Client2 {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub a: ::std::option::Option<::serde_json::Value>,
    }

    impl Client2 {
        pub fn builder() -> builder::Client2 {
            Default::default()
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(untagged)]
    pub enum D {
        Box(Box),
        Uint8(u8),
        String(::std::string::String),
    }

    impl ::std::convert::From<Box> for D {
        fn from(value: Box) -> Self {
            Self::Box(value)
        }
    }

    impl ::std::convert::From<u8> for D {
        fn from(value: u8) -> Self {
            Self::Uint8(value)
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Deep {
        #[serde(rename = "gen", skip_serializing_if = "::std::option::Option::is_none")]
        pub gen_: ::std::option::Option<::std::string::String>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub never: ::std::option::Option<::serde_json::Value>,
        #[serde(rename = "r#x", skip_serializing_if = "::std::option::Option::is_none")]
        pub r_x: ::std::option::Option<::serde_json::Value>,
        #[serde(rename = "$ref", skip_serializing_if = "::std::option::Option::is_none")]
        pub ref_: ::std::option::Option<::std::string::String>,
        #[serde(rename = "self")]
        pub self_: ::std::boxed::Box<Deep>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub tuple: ::std::option::Option<::std::vec::Vec<::serde_json::Value>>,
        #[serde(rename = "type", skip_serializing_if = "::std::option::Option::is_none")]
        pub type_: ::std::option::Option<::serde_json::Value>,
        pub undefined: ::serde_json::Value,
        #[serde(rename = "", skip_serializing_if = "::std::option::Option::is_none")]
        pub x: ::std::option::Option<::std::string::String>,
        #[serde(rename = "1", skip_serializing_if = "::std::option::Option::is_none")]
        pub x1: ::std::option::Option<::serde_json::Value>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub 日本: ::std::option::Option<i64>,
    }

    impl Deep {
        pub fn builder() -> builder::Deep {
            Default::default()
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct Default2 {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub x: ::std::option::Option<::std::string::String>,
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct Error {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub x: ::std::option::Option<::std::string::String>,
    }

    impl Error {
        pub fn builder() -> builder::Error {
            Default::default()
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(untagged)]
    pub enum FnAbcd {
        Int64(i64),
        String(::std::string::String),
        Array(::std::vec::Vec<::serde_json::Value>),
        Object(::serde_json::Map<::std::string::String, ::serde_json::Value>),
    }

    impl ::std::convert::From<i64> for FnAbcd {
        fn from(value: i64) -> Self {
            Self::Int64(value)
        }
    }

    impl ::std::convert::From<::std::vec::Vec<::serde_json::Value>> for FnAbcd {
        fn from(value: ::std::vec::Vec<::serde_json::Value>) -> Self {
            Self::Array(value)
        }
    }

    impl ::std::convert::From<
        ::serde_json::Map<::std::string::String, ::serde_json::Value>,
    > for FnAbcd {
        fn from(
            value: ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        ) -> Self {
            Self::Object(value)
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(untagged)]
    pub enum FnV {
        Int64(i64),
        String(::std::string::String),
        Object(::serde_json::Map<::std::string::String, ::serde_json::Value>),
    }

    impl ::std::convert::From<i64> for FnV {
        fn from(value: i64) -> Self {
            Self::Int64(value)
        }
    }

    impl ::std::convert::From<
        ::serde_json::Map<::std::string::String, ::serde_json::Value>,
    > for FnV {
        fn from(
            value: ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        ) -> Self {
            Self::Object(value)
        }
    }

    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(untagged)]
    pub enum Ok {
        Default2(Default2),
        Array(::std::vec::Vec<::std::string::String>),
    }

    impl ::std::convert::From<Default2> for Ok {
        fn from(value: Default2) -> Self {
            Self::Default2(value)
        }
    }

    impl ::std::convert::From<::std::vec::Vec<::std::string::String>> for Ok {
        fn from(value: ::std::vec::Vec<::std::string::String>) -> Self {
            Self::Array(value)
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
    pub enum Self_ {
        #[serde(rename = "Self")]
        Self_,
        #[serde(rename = "self")]
        SelfX,
    }

    impl ::std::fmt::Display for Self_ {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Self_ => f.write_str("Self"),
                Self::SelfX => f.write_str("self"),
            }
        }
    }

    impl ::std::str::FromStr for Self_ {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "Self" => Ok(Self::Self_),
                "self" => Ok(Self::SelfX),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for Self_ {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for Self_ {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
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
    pub enum Types {
        #[serde(rename = "a")]
        A,
    }

    impl ::std::fmt::Display for Types {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::A => f.write_str("a"),
            }
        }
    }

    impl ::std::str::FromStr for Types {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "a" => Ok(Self::A),
                _ => Err("invalid value".into()),
            }
        }
    }

    impl ::std::convert::TryFrom<&str> for Types {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    impl ::std::convert::TryFrom<::std::string::String> for Types {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }

    /// Types for composing complex structures.
    pub mod builder {
        #[derive(Clone, Debug)]
        pub struct Box {
            arr: ::std::result::Result<
                ::std::option::Option<
                    ::std::option::Option<::std::vec::Vec<::std::option::Option<i64>>>,
                >,
                ::std::string::String,
            >,
            b: ::std::result::Result<::std::option::Option<bool>, ::std::string::String>,
            big: ::std::result::Result<
                ::std::option::Option<i64>,
                ::std::string::String,
            >,
            builder: ::std::result::Result<
                ::std::option::Option<::std::option::Option<super::Builder>>,
                ::std::string::String,
            >,
            cl: ::std::result::Result<
                ::std::option::Option<super::Client2>,
                ::std::string::String,
            >,
            default: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            dup: ::std::result::Result<
                ::std::option::Option<super::BoxDup>,
                ::std::string::String,
            >,
            error: ::std::result::Result<
                ::std::option::Option<::std::option::Option<::std::string::String>>,
                ::std::string::String,
            >,
            errs: ::std::result::Result<
                ::std::option::Option<super::Error>,
                ::std::string::String,
            >,
            map: ::std::result::Result<
                ::std::option::Option<
                    ::std::option::Option<
                        ::std::collections::HashMap<
                            ::std::string::String,
                            ::std::option::Option<::std::string::String>,
                        >,
                    >,
                >,
                ::std::string::String,
            >,
            n: ::std::result::Result<::std::option::Option<i64>, ::std::string::String>,
            n32: ::std::result::Result<
                ::std::option::Option<f32>,
                ::std::string::String,
            >,
            nest: ::std::result::Result<
                ::std::option::Option<super::BoxNest>,
                ::std::string::String,
            >,
            sf: ::std::result::Result<
                ::std::option::Option<super::Self_>,
                ::std::string::String,
            >,
            tys: ::std::result::Result<
                ::std::option::Option<super::Types>,
                ::std::string::String,
            >,
            u: ::std::result::Result<
                ::std::option::Option<super::BoxU>,
                ::std::string::String,
            >,
            uid: ::std::result::Result<
                ::std::option::Option<::uuid::Uuid>,
                ::std::string::String,
            >,
            when: ::std::result::Result<
                ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                ::std::string::String,
            >,
        }

        impl ::std::default::Default for Box {
            fn default() -> Self {
                Self {
                    arr: Ok(Default::default()),
                    b: Ok(Default::default()),
                    big: Ok(Default::default()),
                    builder: Ok(Default::default()),
                    cl: Ok(Default::default()),
                    default: Ok(Default::default()),
                    dup: Ok(Default::default()),
                    error: Ok(Default::default()),
                    errs: Ok(Default::default()),
                    map: Ok(Default::default()),
                    n: Ok(Default::default()),
                    n32: Ok(Default::default()),
                    nest: Ok(Default::default()),
                    sf: Ok(Default::default()),
                    tys: Ok(Default::default()),
                    u: Ok(Default::default()),
                    uid: Ok(Default::default()),
                    when: Ok(Default::default()),
                }
            }
        }

        impl Box {
            pub fn arr<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<
                        ::std::option::Option<
                            ::std::vec::Vec<::std::option::Option<i64>>,
                        >,
                    >,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.arr = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for arr: {e}")
                    });
                self
            }

            pub fn b<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<bool>>,
                T::Error: ::std::fmt::Display,
            {
                self.b = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for b: {e}"));
                self
            }

            pub fn big<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<i64>>,
                T::Error: ::std::fmt::Display,
            {
                self.big = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for big: {e}")
                    });
                self
            }

            pub fn builder<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::std::option::Option<super::Builder>>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.builder = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for builder: {e}")
                    });
                self
            }

            pub fn cl<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<super::Client2>>,
                T::Error: ::std::fmt::Display,
            {
                self.cl = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for cl: {e}"));
                self
            }

            pub fn default<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.default = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for default: {e}")
                    });
                self
            }

            pub fn dup<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<super::BoxDup>>,
                T::Error: ::std::fmt::Display,
            {
                self.dup = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for dup: {e}")
                    });
                self
            }

            pub fn error<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::std::option::Option<::std::string::String>>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.error = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for error: {e}")
                    });
                self
            }

            pub fn errs<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<super::Error>>,
                T::Error: ::std::fmt::Display,
            {
                self.errs = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for errs: {e}")
                    });
                self
            }

            pub fn map<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<
                        ::std::option::Option<
                            ::std::collections::HashMap<
                                ::std::string::String,
                                ::std::option::Option<::std::string::String>,
                            >,
                        >,
                    >,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.map = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for map: {e}")
                    });
                self
            }

            pub fn n<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<i64>>,
                T::Error: ::std::fmt::Display,
            {
                self.n = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for n: {e}"));
                self
            }

            pub fn n32<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<f32>>,
                T::Error: ::std::fmt::Display,
            {
                self.n32 = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for n32: {e}")
                    });
                self
            }

            pub fn nest<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<super::BoxNest>>,
                T::Error: ::std::fmt::Display,
            {
                self.nest = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for nest: {e}")
                    });
                self
            }

            pub fn sf<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<super::Self_>>,
                T::Error: ::std::fmt::Display,
            {
                self.sf = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for sf: {e}"));
                self
            }

            pub fn tys<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<super::Types>>,
                T::Error: ::std::fmt::Display,
            {
                self.tys = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for tys: {e}")
                    });
                self
            }

            pub fn u<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<super::BoxU>>,
                T::Error: ::std::fmt::Display,
            {
                self.u = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for u: {e}"));
                self
            }

            pub fn uid<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::uuid::Uuid>>,
                T::Error: ::std::fmt::Display,
            {
                self.uid = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for uid: {e}")
                    });
                self
            }

            pub fn when<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::chrono::DateTime<::chrono::offset::Utc>>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.when = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for when: {e}")
                    });
                self
            }
        }

        impl ::std::convert::TryFrom<Box> for super::Box {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Box,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    arr: value.arr?,
                    b: value.b?,
                    big: value.big?,
                    builder: value.builder?,
                    cl: value.cl?,
                    default: value.default?,
                    dup: value.dup?,
                    error: value.error?,
                    errs: value.errs?,
                    map: value.map?,
                    n: value.n?,
                    n32: value.n32?,
                    nest: value.nest?,
                    sf: value.sf?,
                    tys: value.tys?,
                    u: value.u?,
                    uid: value.uid?,
                    when: value.when?,
                })
            }
        }

        impl ::std::convert::From<super::Box> for Box {
            fn from(value: super::Box) -> Self {
                Self {
                    arr: Ok(value.arr),
                    b: Ok(value.b),
                    big: Ok(value.big),
                    builder: Ok(value.builder),
                    cl: Ok(value.cl),
                    default: Ok(value.default),
                    dup: Ok(value.dup),
                    error: Ok(value.error),
                    errs: Ok(value.errs),
                    map: Ok(value.map),
                    n: Ok(value.n),
                    n32: Ok(value.n32),
                    nest: Ok(value.nest),
                    sf: Ok(value.sf),
                    tys: Ok(value.tys),
                    u: Ok(value.u),
                    uid: Ok(value.uid),
                    when: Ok(value.when),
                }
            }
        }

        #[derive(Clone, Debug)]
        pub struct Builder {
            default: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
        }

        impl ::std::default::Default for Builder {
            fn default() -> Self {
                Self {
                    default: Ok(Default::default()),
                }
            }
        }

        impl Builder {
            pub fn default<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.default = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for default: {e}")
                    });
                self
            }
        }

        impl ::std::convert::TryFrom<Builder> for super::Builder {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Builder,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self { default: value.default? })
            }
        }

        impl ::std::convert::From<super::Builder> for Builder {
            fn from(value: super::Builder) -> Self {
                Self { default: Ok(value.default) }
            }
        }

        #[derive(Clone, Debug)]
        pub struct Client2 {
            a: ::std::result::Result<
                ::std::option::Option<::serde_json::Value>,
                ::std::string::String,
            >,
        }

        impl ::std::default::Default for Client2 {
            fn default() -> Self {
                Self { a: Ok(Default::default()) }
            }
        }

        impl Client2 {
            pub fn a<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::serde_json::Value>>,
                T::Error: ::std::fmt::Display,
            {
                self.a = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for a: {e}"));
                self
            }
        }

        impl ::std::convert::TryFrom<Client2> for super::Client2 {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Client2,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self { a: value.a? })
            }
        }

        impl ::std::convert::From<super::Client2> for Client2 {
            fn from(value: super::Client2) -> Self {
                Self { a: Ok(value.a) }
            }
        }

        #[derive(Clone, Debug)]
        pub struct Deep {
            gen_: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            never: ::std::result::Result<
                ::std::option::Option<::serde_json::Value>,
                ::std::string::String,
            >,
            r_x: ::std::result::Result<
                ::std::option::Option<::serde_json::Value>,
                ::std::string::String,
            >,
            ref_: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            self_: ::std::result::Result<
                ::std::boxed::Box<super::Deep>,
                ::std::string::String,
            >,
            tuple: ::std::result::Result<
                ::std::option::Option<::std::vec::Vec<::serde_json::Value>>,
                ::std::string::String,
            >,
            type_: ::std::result::Result<
                ::std::option::Option<::serde_json::Value>,
                ::std::string::String,
            >,
            undefined: ::std::result::Result<::serde_json::Value, ::std::string::String>,
            x: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            x1: ::std::result::Result<
                ::std::option::Option<::serde_json::Value>,
                ::std::string::String,
            >,
            日本: ::std::result::Result<
                ::std::option::Option<i64>,
                ::std::string::String,
            >,
        }

        impl ::std::default::Default for Deep {
            fn default() -> Self {
                Self {
                    gen_: Ok(Default::default()),
                    never: Ok(Default::default()),
                    r_x: Ok(Default::default()),
                    ref_: Ok(Default::default()),
                    self_: Err("no value supplied for self_".to_string()),
                    tuple: Ok(Default::default()),
                    type_: Ok(Default::default()),
                    undefined: Err("no value supplied for undefined".to_string()),
                    x: Ok(Default::default()),
                    x1: Ok(Default::default()),
                    日本: Ok(Default::default()),
                }
            }
        }

        impl Deep {
            pub fn gen_<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.gen_ = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for gen_: {e}")
                    });
                self
            }

            pub fn never<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::serde_json::Value>>,
                T::Error: ::std::fmt::Display,
            {
                self.never = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for never: {e}")
                    });
                self
            }

            pub fn r_x<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::serde_json::Value>>,
                T::Error: ::std::fmt::Display,
            {
                self.r_x = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for r_x: {e}")
                    });
                self
            }

            pub fn ref_<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.ref_ = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for ref_: {e}")
                    });
                self
            }

            pub fn self_<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::boxed::Box<super::Deep>>,
                T::Error: ::std::fmt::Display,
            {
                self.self_ = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for self_: {e}")
                    });
                self
            }

            pub fn tuple<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::option::Option<::std::vec::Vec<::serde_json::Value>>,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.tuple = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for tuple: {e}")
                    });
                self
            }

            pub fn type_<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::serde_json::Value>>,
                T::Error: ::std::fmt::Display,
            {
                self.type_ = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for type_: {e}")
                    });
                self
            }

            pub fn undefined<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::serde_json::Value>,
                T::Error: ::std::fmt::Display,
            {
                self.undefined = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for undefined: {e}")
                    });
                self
            }

            pub fn x<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.x = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for x: {e}"));
                self
            }

            pub fn x1<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::serde_json::Value>>,
                T::Error: ::std::fmt::Display,
            {
                self.x1 = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for x1: {e}"));
                self
            }

            pub fn 日本<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<i64>>,
                T::Error: ::std::fmt::Display,
            {
                self.日本 = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for 日本: {e}")
                    });
                self
            }
        }

        impl ::std::convert::TryFrom<Deep> for super::Deep {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Deep,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    gen_: value.gen_?,
                    never: value.never?,
                    r_x: value.r_x?,
                    ref_: value.ref_?,
                    self_: value.self_?,
                    tuple: value.tuple?,
                    type_: value.type_?,
                    undefined: value.undefined?,
                    x: value.x?,
                    x1: value.x1?,
                    日本: value.日本?,
                })
            }
        }

        impl ::std::convert::From<super::Deep> for Deep {
            fn from(value: super::Deep) -> Self {
                Self {
                    gen_: Ok(value.gen_),
                    never: Ok(value.never),
                    r_x: Ok(value.r_x),
                    ref_: Ok(value.ref_),
                    self_: Ok(value.self_),
                    tuple: Ok(value.tuple),
                    type_: Ok(value.type_),
                    undefined: Ok(value.undefined),
                    x: Ok(value.x),
                    x1: Ok(value.x1),
                    日本: Ok(value.日本),
                }
            }
        }

        #[derive(Clone, Debug)]
        pub struct Error {
            x: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
        }

        impl ::std::default::Default for Error {
            fn default() -> Self {
                Self { x: Ok(Default::default()) }
            }
        }

        impl Error {
            pub fn x<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.x = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for x: {e}"));
                self
            }
        }

        impl ::std::convert::TryFrom<Error> for super::Error {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Error,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self { x: value.x? })
            }
        }

        impl ::std::convert::From<super::Error> for Error {
            fn from(value: super::Error) -> Self {
                Self { x: Ok(value.x) }
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
    pub enum FnÜnïcodeКлюч {
        Ключ,
        日本,
        X,
        X2,
        X3,
        AB,
        X4,
        X5,
        /// A value that this version of the client does not know, as the server sent it.
        Unknown(::std::string::String),
    }

    impl FnÜnïcodeКлюч {
        /// The value as it is sent.
        pub fn as_str(&self) -> &str {
            match self {
                Self::Ключ => "ключ",
                Self::日本 => "日本",
                Self::X => "",
                Self::X2 => " ",
                Self::X3 => "😀",
                Self::AB => "a\nb",
                Self::X4 => "\"",
                Self::X5 => "\\",
                Self::Unknown(value) => value,
            }
        }
    }

    impl ::std::convert::From<&str> for FnÜnïcodeКлюч {
        fn from(value: &str) -> Self {
            match value {
                "ключ" => Self::Ключ,
                "日本" => Self::日本,
                "" => Self::X,
                " " => Self::X2,
                "😀" => Self::X3,
                "a\nb" => Self::AB,
                "\"" => Self::X4,
                "\\" => Self::X5,
                value => Self::Unknown(value.to_owned()),
            }
        }
    }

    impl ::std::convert::From<::std::string::String> for FnÜnïcodeКлюч {
        fn from(value: ::std::string::String) -> Self {
            Self::from(value.as_str())
        }
    }

    impl ::std::fmt::Display for FnÜnïcodeКлюч {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            f.pad(self.as_str())
        }
    }

    impl ::serde::Serialize for FnÜnïcodeКлюч {
        fn serialize<S: ::serde::Serializer>(
            &self,
            serializer: S,
        ) -> ::std::result::Result<S::Ok, S::Error> {
            serializer.serialize_str(self.as_str())
        }
    }

    impl<'de> ::serde::Deserialize<'de> for FnÜnïcodeКлюч {
        fn deserialize<D: ::serde::Deserializer<'de>>(
            deserializer: D,
        ) -> ::std::result::Result<Self, D::Error> {
            <::std::string::String as ::serde::Deserialize>::deserialize(deserializer)
                .map(Self::from)
        }
    }

    #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    #[non_exhaustive]
    pub enum IntoDirection {
        X,
        X2,
        /// A value that this version of the client does not know, as the server sent it.
        Unknown(::std::string::String),
    }

    impl IntoDirection {
        /// The value as it is sent.
        pub fn as_str(&self) -> &str {
            match self {
                Self::X => "\u{202e}",
                Self::X2 => "\u{2066}*/",
                Self::Unknown(value) => value,
            }
        }
    }

    impl ::std::convert::From<&str> for IntoDirection {
        fn from(value: &str) -> Self {
            match value {
                "\u{202e}" => Self::X,
                "\u{2066}*/" => Self::X2,
                value => Self::Unknown(value.to_owned()),
            }
        }
    }

    impl ::std::convert::From<::std::string::String> for IntoDirection {
        fn from(value: ::std::string::String) -> Self {
            Self::from(value.as_str())
        }
    }

    impl ::std::fmt::Display for IntoDirection {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            f.pad(self.as_str())
        }
    }

    impl ::serde::Serialize for IntoDirection {
        fn serialize<S: ::serde::Serializer>(
            &self,
            serializer: S,
        ) -> ::std::result::Result<S::Ok, S::Error> {
            serializer.serialize_str(self.as_str())
        }
    }

    impl<'de> ::serde::Deserialize<'de> for IntoDirection {
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

    /// A `POST` request to `/a`.
    #[derive(Clone, Debug)]
    pub struct Fn<'a> {
        client: &'a super::Client,
        a_b_c_d: wire::Input<types::FnAbcd>,
        a_b: wire::Input<::std::string::String>,
        client_query: wire::Input<::serde_json::Value>,
        url: wire::Input<::serde_json::Value>,
        query: wire::Input<::serde_json::Value>,
        request_query: wire::Input<::serde_json::Value>,
        value: wire::Input<::std::string::String>,
        v: wire::Input<types::FnV>,
        cookies: wire::Input<::std::vec::Vec<::std::string::String>>,
        body_query: wire::Input<::serde_json::Value>,
        ünïcode_ключ: wire::Input<types::FnÜnïcodeКлюч>,
        body: wire::Input<types::Deep>,
    }

    impl<'a> Fn<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client,
                a_b_c_d: Ok(None),
                a_b: Ok(None),
                client_query: Ok(None),
                url: Ok(None),
                query: Ok(None),
                request_query: Ok(None),
                value: Ok(None),
                v: Ok(None),
                cookies: Ok(None),
                body_query: Ok(None),
                ünïcode_ключ: Ok(None),
                body: Ok(None),
            }
        }

        /// Optional.
        pub fn a_b_c_d<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<types::FnAbcd>,
            V::Error: ::std::fmt::Display,
        {
            self.a_b_c_d = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`a_b_c_d`: {error}"));
            self
        }

        /// Optional.
        pub fn a_b<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::string::String>,
            V::Error: ::std::fmt::Display,
        {
            self.a_b = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`a_b`: {error}"));
            self
        }

        /// Optional.
        pub fn client_query<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::serde_json::Value>,
            V::Error: ::std::fmt::Display,
        {
            self.client_query = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`client_query`: {error}"));
            self
        }

        /// Optional.
        pub fn url<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::serde_json::Value>,
            V::Error: ::std::fmt::Display,
        {
            self.url = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`url`: {error}"));
            self
        }

        /// Optional.
        pub fn query<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::serde_json::Value>,
            V::Error: ::std::fmt::Display,
        {
            self.query = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`query`: {error}"));
            self
        }

        /// Optional.
        pub fn request_query<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::serde_json::Value>,
            V::Error: ::std::fmt::Display,
        {
            self.request_query = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`request_query`: {error}"));
            self
        }

        /// Required.
        pub fn value<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::string::String>,
            V::Error: ::std::fmt::Display,
        {
            self.value = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`value`: {error}"));
            self
        }

        /// Optional.
        pub fn v<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<types::FnV>,
            V::Error: ::std::fmt::Display,
        {
            self.v = value.try_into().map(Some).map_err(|error| format!("`v`: {error}"));
            self
        }

        /// Optional.
        pub fn cookies<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::vec::Vec<::std::string::String>>,
            V::Error: ::std::fmt::Display,
        {
            self.cookies = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`cookies`: {error}"));
            self
        }

        /// Optional.
        pub fn body_query<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::serde_json::Value>,
            V::Error: ::std::fmt::Display,
        {
            self.body_query = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`body_query`: {error}"));
            self
        }

        /// Optional.
        pub fn ünïcode_ключ<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<types::FnÜnïcodeКлюч>,
            V::Error: ::std::fmt::Display,
        {
            self.ünïcode_ключ = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`ünïcode_ключ`: {error}"));
            self
        }

        /// The body of the request.
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<types::Deep>,
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
            super::ResponseValue<responses::FnSuccess>,
            super::Error<responses::FnError>,
        > {
            let response = super::execute(self.client, self.request(), "fn").await?;
            match response.status().as_u16() {
                200 => responses::json(response, responses::FnSuccess::Ok).await,
                201 => responses::json(response, responses::FnSuccess::Created).await,
                203 => {
                    responses::bytes(
                            response,
                            responses::FnSuccess::NonAuthoritativeInformation,
                        )
                        .await
                }
                100 => {
                    responses::failed(
                        responses::empty(response, responses::FnError::Status100),
                    )
                }
                100..=199 => {
                    responses::failed(
                        responses::empty(response, responses::FnError::Information),
                    )
                }
                _ => Err(super::Error::UnexpectedResponse(response)),
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let url = wire::url(&self.client.baseurl, &["/a"]);
            let mut query = ::std::vec::Vec::new();
            if let Some(value) = self.a_b_c_d? {
                wire::form(&mut query, "a\"b\\c{d}", &value, true, false)?;
            }
            if let Some(value) = self.client_query? {
                wire::form(&mut query, "client", &value, true, false)?;
            }
            if let Some(value) = self.url? {
                wire::form(&mut query, "url", &value, true, false)?;
            }
            if let Some(value) = self.query? {
                wire::form(&mut query, "query", &value, true, false)?;
            }
            if let Some(value) = self.request_query? {
                wire::form(&mut query, "request", &value, true, false)?;
            }
            wire::form(
                &mut query,
                "value",
                &wire::required("value", self.value)?,
                true,
                false,
            )?;
            if let Some(value) = self.v? {
                wire::form(&mut query, "V", &value, true, false)?;
            }
            if let Some(value) = self.body_query? {
                wire::form(&mut query, "body", &value, true, false)?;
            }
            if let Some(value) = self.ünïcode_ключ? {
                wire::form(&mut query, "Ünïcode ключ", &value, true, false)?;
            }
            let url = wire::with_query(url, &query);
            let mut request = self
                .client
                .client
                .request(::reqwest::Method::POST, url)
                .header(::reqwest::header::ACCEPT, "application/json, text/csv");
            if let Some(value) = self.a_b? {
                request = request.header("a b", wire::header("a b", &value, false)?);
            }
            let mut cookies = ::std::vec::Vec::new();
            if let Some(value) = self.cookies? {
                wire::form(&mut cookies, "cookies", &value, true, false)?;
            }
            if !cookies.is_empty() {
                request = request.header(::reqwest::header::COOKIE, cookies.join("; "));
            }
            if let Some(body) = self.body? {
                let mut form = ::std::vec::Vec::new();
                for (name, value) in wire::fields(&body)? {
                    wire::field(&mut form, &name, &value)?;
                }
                request = request
                    .header(
                        ::reqwest::header::CONTENT_TYPE,
                        "application/x-www-form-urlencoded",
                    )
                    .body(form.join("&"));
            }
            wire::build(request)
        }
    }

    /// A `GET` request to `/a/{x}{y}/{x}`.
    #[derive(Clone, Debug)]
    pub struct GetAByXyByX<'a> {
        client: &'a super::Client,
        x: wire::Input<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
        y: wire::Input<::std::vec::Vec<::serde_json::Value>>,
    }

    impl<'a> GetAByXyByX<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client,
                x: Ok(None),
                y: Ok(None),
            }
        }

        /// Required.
        pub fn x<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<
                ::std::collections::HashMap<::std::string::String, ::std::string::String>,
            >,
            V::Error: ::std::fmt::Display,
        {
            self.x = value.try_into().map(Some).map_err(|error| format!("`x`: {error}"));
            self
        }

        /// Required.
        pub fn y<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::vec::Vec<::serde_json::Value>>,
            V::Error: ::std::fmt::Display,
        {
            self.y = value.try_into().map(Some).map_err(|error| format!("`y`: {error}"));
            self
        }

        /// Sends the request.
        pub async fn send(
            self,
        ) -> ::std::result::Result<
            super::ResponseValue<super::ByteStream>,
            super::Error<responses::Unreadable>,
        > {
            let response = super::execute(
                    self.client,
                    self.request(),
                    "get_a_by_x_y_by_x",
                )
                .await?;
            match response.status().as_u16() {
                200..=299 => Ok(responses::stream(response)),
                _ => Err(super::Error::UnexpectedResponse(response)),
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let x = wire::matrix("x", &wire::required("x", self.x)?, true)?;
            let y = wire::json_segment("y", &wire::required("y", self.y)?)?;
            let url = wire::url(&self.client.baseurl, &["/a/", &x, &y, "/", &x]);
            wire::build(self.client.client.request(::reqwest::Method::GET, url))
        }
    }

    /// A `GET` request to `/b?c={d}&e`.
    #[derive(Clone, Debug)]
    pub struct GetBcde<'a> {
        client: &'a super::Client,
        d: wire::Input<::std::string::String>,
        f: wire::Input<i64>,
    }

    impl<'a> GetBcde<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client,
                d: Ok(None),
                f: Ok(None),
            }
        }

        /// Required.
        pub fn d<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::string::String>,
            V::Error: ::std::fmt::Display,
        {
            self.d = value.try_into().map(Some).map_err(|error| format!("`d`: {error}"));
            self
        }

        /// Optional.
        pub fn f<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<i64>,
            V::Error: ::std::fmt::Display,
        {
            self.f = value.try_into().map(Some).map_err(|error| format!("`f`: {error}"));
            self
        }

        /// Sends the request.
        pub async fn send(
            self,
        ) -> ::std::result::Result<
            super::ResponseValue<()>,
            super::Error<responses::GetBcdeError>,
        > {
            let response = super::execute(self.client, self.request(), "get_b_c_d_e")
                .await?;
            match response.status().as_u16() {
                200..=299 => Ok(responses::empty(response, ())),
                0..=199 | 300.. => {
                    responses::failed(
                        responses::empty(response, responses::GetBcdeError::Default),
                    )
                }
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let d = wire::simple("d", &wire::required("d", self.d)?, false)?;
            let url = wire::url(&self.client.baseurl, &["/b?c=", &d, "&e"]);
            let mut query = ::std::vec::Vec::new();
            if let Some(value) = self.f? {
                wire::form(&mut query, "f", &value, true, false)?;
            }
            let url = wire::with_query(url, &query);
            wire::build(self.client.client.request(::reqwest::Method::GET, url))
        }
    }

    /// A `TRACE` request to `/types`.
    #[derive(Clone, Debug)]
    pub struct Types<'a> {
        client: &'a super::Client,
    }

    impl<'a> Types<'a> {
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
            let response = super::execute(self.client, self.request(), "types").await?;
            match response.status().as_u16() {
                299 => Ok(responses::empty(response, ())),
                200..=299 => Ok(responses::empty(response, ())),
                _ => Err(super::Error::UnexpectedResponse(response)),
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let url = wire::url(&self.client.baseurl, &["/types"]);
            wire::build(self.client.client.request(::reqwest::Method::TRACE, url))
        }
    }

    /// A `GET` request to `/client`.
    #[derive(Clone, Debug)]
    pub struct Client2<'a> {
        client: &'a super::Client,
    }

    impl<'a> Client2<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self { client }
        }

        /// Sends the request.
        pub async fn send(
            self,
        ) -> ::std::result::Result<
            super::ResponseValue<types::Box>,
            super::Error<responses::Unreadable>,
        > {
            let response = super::execute(self.client, self.request(), "Client").await?;
            match response.status().as_u16() {
                200..=299 => responses::json(response, |body: types::Box| body).await,
                _ => Err(super::Error::UnexpectedResponse(response)),
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let url = wire::url(&self.client.baseurl, &["/client"]);
            wire::build(
                self
                    .client
                    .client
                    .request(::reqwest::Method::GET, url)
                    .header(::reqwest::header::ACCEPT, "application/json"),
            )
        }
    }

    /// A `GET` request to `/small/{note}`.
    #[derive(Clone, Debug)]
    pub struct Small<'a> {
        client: &'a super::Client,
        note: wire::Input<::std::string::String>,
        tiny: wire::Input<u8>,
        signed: wire::Input<i8>,
        wide: wire::Input<u8>,
        plain: wire::Input<u64>,
    }

    impl<'a> Small<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client,
                note: Ok(None),
                tiny: Ok(None),
                signed: Ok(None),
                wide: Ok(None),
                plain: Ok(None),
            }
        }

        /// Required.
        pub fn note<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::string::String>,
            V::Error: ::std::fmt::Display,
        {
            self.note = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`note`: {error}"));
            self
        }

        /// Optional.
        pub fn tiny<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<u8>,
            V::Error: ::std::fmt::Display,
        {
            self.tiny = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`tiny`: {error}"));
            self
        }

        /// Optional.
        pub fn signed<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<i8>,
            V::Error: ::std::fmt::Display,
        {
            self.signed = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`signed`: {error}"));
            self
        }

        /// Optional.
        pub fn wide<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<u8>,
            V::Error: ::std::fmt::Display,
        {
            self.wide = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`wide`: {error}"));
            self
        }

        /// Optional.
        pub fn plain<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<u64>,
            V::Error: ::std::fmt::Display,
        {
            self.plain = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`plain`: {error}"));
            self
        }

        /// Sends the request.
        pub async fn send(
            self,
        ) -> ::std::result::Result<
            super::ResponseValue<
                ::std::collections::HashMap<
                    ::std::string::String,
                    ::std::collections::HashMap<
                        ::std::string::String,
                        ::std::vec::Vec<::std::option::Option<::std::vec::Vec<i64>>>,
                    >,
                >,
            >,
            super::Error<responses::Unreadable>,
        > {
            let response = super::execute(self.client, self.request(), "small").await?;
            match response.status().as_u16() {
                200 => {
                    responses::json(
                            response,
                            |
                                body: ::std::collections::HashMap<
                                    ::std::string::String,
                                    ::std::collections::HashMap<
                                        ::std::string::String,
                                        ::std::vec::Vec<::std::option::Option<::std::vec::Vec<i64>>>,
                                    >,
                                >|
                            body,
                        )
                        .await
                }
                _ => Err(super::Error::UnexpectedResponse(response)),
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let note = wire::simple("note", &wire::required("note", self.note)?, false)?;
            let url = wire::url(&self.client.baseurl, &["/small/", &note]);
            let mut query = ::std::vec::Vec::new();
            if let Some(value) = self.tiny? {
                wire::form(&mut query, "tiny", &value, true, false)?;
            }
            if let Some(value) = self.signed? {
                wire::form(&mut query, "signed", &value, true, false)?;
            }
            if let Some(value) = self.wide? {
                wire::form(&mut query, "wide", &value, true, false)?;
            }
            if let Some(value) = self.plain? {
                wire::form(&mut query, "plain", &value, true, false)?;
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

    /// A `PATCH` request to `/p`.
    #[derive(Clone, Debug)]
    pub struct Super<'a> {
        client: &'a super::Client,
        body: wire::Input<types::Box>,
    }

    impl<'a> Super<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self { client, body: Ok(None) }
        }

        /// The body of the request.
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<types::Box>,
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
            let response = super::execute(self.client, self.request(), "super").await?;
            match response.status().as_u16() {
                204 => Ok(responses::empty(response, ())),
                _ => Err(super::Error::UnexpectedResponse(response)),
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let url = wire::url(&self.client.baseurl, &["/p"]);
            let mut request = self.client.client.request(::reqwest::Method::PATCH, url);
            if let Some(body) = self.body? {
                request = request
                    .header(::reqwest::header::CONTENT_TYPE, "application/json")
                    .body(wire::json_text("body", &body)?);
            }
            wire::build(request)
        }
    }

    /// A `PUT` request to `/into`.
    #[derive(Clone, Debug)]
    pub struct Into<'a> {
        client: &'a super::Client,
        json_body: wire::Input<::std::string::String>,
        direction: wire::Input<types::IntoDirection>,
        body: wire::Input<types::D>,
    }

    impl<'a> Into<'a> {
        /// A request without any values.
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client,
                json_body: Ok(None),
                direction: Ok(None),
                body: Ok(None),
            }
        }

        /// left \u{202e} right end
        pub fn json_body<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<::std::string::String>,
            V::Error: ::std::fmt::Display,
        {
            self.json_body = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`json_body`: {error}"));
            self
        }

        /// Default: `"\u{202e}"`.
        pub fn direction<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<types::IntoDirection>,
            V::Error: ::std::fmt::Display,
        {
            self.direction = value
                .try_into()
                .map(Some)
                .map_err(|error| format!("`direction`: {error}"));
            self
        }

        /// The body of the request.
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<types::D>,
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
            super::ResponseValue<types::D>,
            super::Error<responses::IntoError>,
        > {
            let response = super::execute(self.client, self.request(), "into").await?;
            match response.status().as_u16() {
                200 => responses::json(response, |body: types::D| body).await,
                400 => {
                    responses::failed(
                        responses::json(response, responses::IntoError::BadRequest)
                            .await?,
                    )
                }
                _ => Err(super::Error::UnexpectedResponse(response)),
            }
        }

        fn request(
            self,
        ) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
            let url = wire::url(&self.client.baseurl, &["/into"]);
            let mut query = ::std::vec::Vec::new();
            if let Some(value) = self.json_body? {
                wire::form(&mut query, "json_body", &value, true, false)?;
            }
            if let Some(value) = self.direction? {
                wire::form(&mut query, "direction", &value, true, false)?;
            }
            let url = wire::with_query(url, &query);
            let mut request = self
                .client
                .client
                .request(::reqwest::Method::PUT, url)
                .header(::reqwest::header::ACCEPT, "application/json");
            if let Some(body) = self.body? {
                request = request
                    .header(::reqwest::header::CONTENT_TYPE, "application/json")
                    .body(wire::json_text("body", &body)?);
            }
            wire::build(request)
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

    /// The successes of `POST /a`.
    #[derive(Clone, Debug)]
    pub enum FnSuccess {
        /// 200.
        Ok(types::Deep),
        /// 201.
        Created(::serde_json::Value),
        /// 203.
        NonAuthoritativeInformation(::std::vec::Vec<u8>),
    }

    /// The errors of `POST /a`.
    #[derive(Clone, Debug)]
    pub enum FnError {
        /// 100.
        Status100,
        /// 1XX.
        Information,
        /// A documented response whose body is not what the contract says it is.
        Unreadable(Unreadable),
    }

    impl ::std::convert::From<Unreadable> for FnError {
        fn from(unreadable: Unreadable) -> Self {
            Self::Unreadable(unreadable)
        }
    }

    /// The errors of `GET /b?c={d}&e`.
    #[derive(Clone, Debug)]
    pub enum GetBcdeError {
        /// Any other status: d
        Default,
        /// A documented response whose body is not what the contract says it is.
        Unreadable(Unreadable),
    }

    impl ::std::convert::From<Unreadable> for GetBcdeError {
        fn from(unreadable: Unreadable) -> Self {
            Self::Unreadable(unreadable)
        }
    }

    /// The errors of `PUT /into`.
    #[derive(Clone, Debug)]
    pub enum IntoError {
        /// 400: d
        BadRequest(types::Ok),
        /// A documented response whose body is not what the contract says it is.
        Unreadable(Unreadable),
    }

    impl ::std::convert::From<Unreadable> for IntoError {
        fn from(unreadable: Unreadable) -> Self {
            Self::Unreadable(unreadable)
        }
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

    /// A variable of a path that is written as JSON.
    pub fn json_segment<T: Serialize>(name: &str, value: &T) -> Result<String, String> {
        Ok(encoded(&json_text(name, value)?, false))
    }

    /// A value as JSON text.
    pub fn json_text<T: Serialize>(name: &str, value: &T) -> Result<String, String> {
        ::serde_json::to_string(value)
            .map_err(|error| format!("`{name}` cannot be written as JSON: {error}"))
    }

    /// A value as a plain text: an object or a list as JSON.
    pub fn plain<T: Serialize>(name: &str, value: &T) -> Result<String, String> {
        Ok(text(&json(name, value)?))
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
