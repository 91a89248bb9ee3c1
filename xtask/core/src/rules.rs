//! The table of all rules that `cargo xtask check` and `cargo xtask conform` can report. Names never change once
//! released.
//!
//! Each rule comes with two edits of the project in `xtask/fixtures/things` (or of a page in `xtask/fixtures/notes`, or
//! of the contract in `xtask/fixtures/orders`): one that the rule must report, and one, as similar as possible, that no
//! rule reports. Tests apply both.

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// For information.
    Note,
    /// Needs attention; does not fail the check.
    Warning,
    /// Fails the check.
    Error,
}

impl Severity {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// The description of a rule.
#[derive(Debug)]
pub struct RuleInfo {
    /// `family/kebab-case`.
    pub name: &'static str,
    /// Its severity.
    pub severity: Severity,
    /// What it means, in one line.
    pub summary: &'static str,
    /// Why it matters and what to do, in a few sentences.
    pub explanation: &'static str,
    /// An edit of the fixture that the rule must report.
    pub fires: Edit,
    /// An edit of the fixture, as similar to the other as possible, that no rule reports.
    pub silent: Edit,
}

/// An edit of the fixture.
#[derive(Debug, Clone, Copy)]
pub enum Edit {
    /// Replaces the first occurrence of a text in a file.
    Replace(&'static str, &'static str, &'static str),
    /// Removes a file.
    Remove(&'static str),
    /// Adds a file.
    Add(&'static str, &'static str),
    /// Behaviour of a live server, which the deliberately wrong servers in `tests/` reproduce.
    Serve(&'static str),
}

impl RuleInfo {
    /// The part before the slash.
    pub fn family(&self) -> &'static str {
        self.name.split('/').next().unwrap_or_default()
    }
}

use Edit::{Add, Remove, Replace, Serve};

const CONTRACT: &str = "openapi/things.yaml";
const LIST: &str = "openapi/reference/list-things.md";
const PAINT: &str = "openapi/reference/paint-thing.md";
const LISTAR: &str = "openapi/reference/es/list-things.md";
const PINTAR: &str = "openapi/reference/es/paint-thing.md";
const ERRORES: &str = "openapi/reference/es/errors.md";
const SERVER: &str = "generated/server.rs";
const CLIENT: &str = "generated/errors.rs";
const EMITTED: &str = "generated/emitted.json";
/// A second contract, for features that `things.yaml` does not have. Only compared with its earlier version.
const ORDERS: &str = "fixtures/orders/orders.yaml";
const SETTINGS: &str = "openapi/check.toml";
/// Pages of another project, which follow no profile: `xtask/fixtures/notes`.
const NOTES: &str = "fixtures/notes/docs/notes.md";

macro_rules! rules {
    ($($variant:ident $severity:ident $name:literal $summary:literal $explanation:literal $fires:expr, $silent:expr;)*) => {
        /// A rule of the check.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule { $(#[doc = $summary] $variant,)* }

        impl Rule {
            /// All rules, by family.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant,)*];

            /// Its description.
            pub fn info(self) -> &'static RuleInfo {
                match self {
                    $(Rule::$variant => {
                        const INFO: RuleInfo = RuleInfo {
                            name: $name,
                            severity: Severity::$severity,
                            summary: $summary,
                            explanation: $explanation,
                            fires: $fires,
                            silent: $silent,
                        };
                        &INFO
                    })*
                }
            }
        }
    };
}

impl Rule {
    /// The rule with this name.
    pub fn named(name: &str) -> Option<Rule> {
        Rule::ALL.iter().copied().find(|rule| rule.info().name == name)
    }
}

rules! {
    ContractParses Error "contract/parses"
        "The contract is a well-formed YAML or JSON document."
        "Nothing else can be compared until it is. This rule also reports duplicate keys, aliases that refer to nothing, and parameters whose `in` is unknown."
        Replace(CONTRACT, "  title: Things\n", "  title: Things\n  title: Other things\n"),
        Replace(CONTRACT, "  title: Things\n", "  'title': \"Things\"\n");
    ContractVersion Error "contract/version"
        "The contract is OpenAPI 3.0 or 3.1."
        "Other versions have a different structure. Convert a Swagger 2.0 document first, for example with swagger2openapi."
        Replace(CONTRACT, "openapi: 3.0.3", "openapi: 4.0.0"),
        Replace(CONTRACT, "openapi: 3.0.3", "openapi: 3.0.0");
    ContractRefResolves Error "contract/ref-resolves"
        "Every `$ref` resolves."
        "A reference to something that does not exist, or to itself, has no meaning. Unused components are checked too, because they may be used later."
        Replace(CONTRACT, "'403': {$ref: '#/components/responses/Forbidden'}", "'403': {$ref: '#/components/responses/Forbiden'}"),
        Replace(CONTRACT, "'403': {$ref: '#/components/responses/Forbidden'}", "'403': {\"$ref\": \"#/components/responses/Forbidden\"}");
    ContractBesideReference Warning "contract/beside-reference"
        "A `$ref` has no sibling keys that OpenAPI 3.0 ignores."
        "Some tools read sibling keys and some ignore them: `nullable: true` beside a `$ref` makes a field nullable for one generator and not for another. Wrap the `$ref` in a one-member `allOf` and put the other keys beside the `allOf`."
        Replace(CONTRACT, "schema: {$ref: '#/components/schemas/ThingPage'}", "schema: {$ref: '#/components/schemas/ThingPage', nullable: true}"),
        Replace(CONTRACT, "schema: {$ref: '#/components/schemas/ThingPage'}", "schema: {$ref: '#/components/schemas/ThingPage', description: A page}");
    ContractUnknownKey Error "contract/unknown-key"
        "The contract uses only keys that OpenAPI defines, and requires only properties that exist."
        "Tools ignore a misspelt key: a parameter with `requierd: true` is optional. Custom keys begin with `x-`."
        Replace(CONTRACT, "summary: Paint a thing\n", "summary: Paint a thing\n      externaldocs: {url: https://example.com}\n"),
        Replace(CONTRACT, "summary: Paint a thing\n", "summary: Paint a thing\n      externalDocs: {url: https://example.com}\n");
    ContractOperationId Error "contract/operation-id"
        "Operation IDs are unique; with `require = [\"operation-id\"]` every operation has one."
        "Generated clients and servers name their methods after them."
        Replace(CONTRACT, "operationId: paint_thing", "operationId: list_things"),
        Replace(CONTRACT, "operationId: paint_thing", "operationId:   'paint_thing'");
    ContractPathParameter Error "contract/path-parameter"
        "Every variable in a path has a path parameter, and every path parameter a variable."
        "A variable without a parameter has no type; a path parameter without a variable is never sent."
        Replace(CONTRACT, "- name: thing_id\n          in: path", "- name: thing\n          in: path"),
        Replace(CONTRACT, "- name: thing_id\n          in: path", "- in: path\n          name: thing_id");
    ContractSecurity Error "contract/security"
        "Required security schemes are declared; with `require = [\"security\"]` every operation requires one."
        "No client can satisfy an undeclared scheme, and an operation without a scheme is open to everyone."
        Replace(CONTRACT, "security:\n  - key: []", "security:\n  - kee: []"),
        Replace(CONTRACT, "security:\n  - key: []", "security: [{key: []}]");
    ContractPermission Error "contract/permission"
        "With `require = [\"permission\"]` every operation names the permission that it requires."
        "The server refuses keys without it, and the page tells readers which one to ask for. `permission` in the profile names the extension that holds it, such as `x-required-permission: area.action`."
        Replace(CONTRACT, "x-required-permission: things.paint", "x-requires-permission: things.paint"),
        Replace(CONTRACT, "x-required-permission: things.paint", "x-required-permission: 'things.paint'");
    ContractRateLimit Error "contract/rate-limit"
        "With `require = [\"rate-limit\"]` every operation gives its rate limit."
        "`rate_limit` in the profile names the extension that holds it, such as `x-rate-limit: {requests: 20, window_seconds: 60}` for 20 requests in each 60-second window. Both numbers must be above 0."
        Replace(CONTRACT, "x-rate-limit: {requests: 10, window_seconds: 60}", "x-rate-limit: {requests: 0, window_seconds: 60}"),
        Replace(CONTRACT, "x-rate-limit: {requests: 10, window_seconds: 60}", "x-rate-limit: {window_seconds: 60, requests: 10}");
    ContractErrorUnnamed Error "contract/error-unnamed"
        "With `require = [\"error-examples\"]` every error status names its errors."
        "A status alone does not tell people what to do. Each error is a named example under its status."
        Replace(CONTRACT, "              examples:\n                wet_paint:\n                  summary: Wait until the paint is dry.\n                  value: {message: Wet paint}\n", ""),
        Replace(CONTRACT, "summary: Wait until the paint is dry.", "summary: >-\n                    Wait until the paint is dry.");
    ContractErrorText Error "contract/error-text"
        "With `require = [\"error-examples\"]` every error has a summary and the value that identifies it."
        "The value that `error_identity` in the profile points to, such as the message, distinguishes errors with the same status; the summary becomes the advice in code and on pages."
        Replace(CONTRACT, "value: {message: Wet paint}", "value: {message: ''}"),
        Replace(CONTRACT, "value: {message: Wet paint}", "value: {message: 'Wet paint'}");
    ContractErrorAmbiguous Error "contract/error-ambiguous"
        "A client can tell all errors of an operation apart."
        "A client distinguishes errors by status and by the value that `error_identity` in the profile points to; generated code distinguishes them by name. Both must be unique within an operation."
        Replace(CONTRACT, "value: {message: Invalid limit}", "value: {message: Invalid kind}"),
        Replace(CONTRACT, "value: {message: Invalid limit}", "value:\n                    message: Invalid limit");
    ContractErrorSchema Error "contract/error-schema"
        "All errors use the schema that `error_schema` in the profile names, and that schema allows additional fields."
        "With one schema, clients can parse any error. If the schema is closed, or requires more than the field that identifies an error, clients fail on a body from a proxy or a newer server."
        Replace(CONTRACT, "    Error:\n      type: object\n", "    Error:\n      type: object\n      additionalProperties: false\n"),
        Replace(CONTRACT, "        request_id: {type: string}\n", "        request_id:\n          type: string\n");
    ContractExampleFits Error "contract/example-fits"
        "Examples fit their schemas."
        "People copy examples and build tests from them. If one does not fit, either the example or the schema is wrong."
        Replace(CONTRACT, "kind: small, weight: 4", "kind: medium, weight: 4"),
        Replace(CONTRACT, "kind: small, weight: 4", "weight: 4, kind: small");
    ContractSchemaUsable Error "contract/schema-usable"
        "Every schema can be used to validate values."
        "Tools disagree about an invalid regular expression or an impossible bound, or fail on it."
        Replace(CONTRACT, "name: {type: string}", "name: {type: string, pattern: '([a-z'}"),
        Replace(CONTRACT, "name: {type: string}", "name: {'type': string}");
    ContractSubset Error "contract/subset"
        "Code can be generated for every operation of the contract."
        "Checked only if code is generated. The server and the client support nearly all of OpenAPI 3.0 and 3.1. An operation cannot be generated if part of it cannot be read (such as a `$ref` that does not resolve), if its path has a query, a fragment or unbalanced braces, if another operation has the same method and the same path apart from the names of variables, or if a path parameter is not in the path.

If `client_errors` is set, the client has an enum of errors for each operation, told apart by their messages. Such a client supports less:

| part | what is supported |
| --- | --- |
| document | OpenAPI 3.0.x in one file; every `$ref` is local; path items are inline |
| profile | `error_identity = \"/message\"` and an `error_schema` |
| operation | an `operationId`; one of `DELETE`, `GET`, `HEAD`, `PATCH`, `POST`, `PUT`; no request body; exactly one 2xx; tags that the document's `tags` list |
| parameters | in `path` (always `required: true`) or `query`; the default `style` |
| responses | no status ranges and no `default`; only `application/json`; the success's schema a `$ref`, every error's a `$ref` to the one schema of errors; every error a named example with a message and a summary |
| names | no two names of one kind become the same identifier, or one that the generated code already uses |"
        Replace(CONTRACT, "          in: query\n          description: Only", "          in: query\n          style: deepObject\n          description: Only"),
        Replace(CONTRACT, "        maker: {type: string}\n", "        maker: {type: string, nullable: false}\n");

    ServerMissing Error "server/missing"
        "The generated server exists."
        "It is checked in, so that a clone builds without the generator."
        Remove(SERVER),
        Replace(SETTINGS, "server = \"generated/server.rs\"\n", "");
    ServerStale Error "server/stale"
        "The generated server is up to date with the contract."
        "The contract or the generator has changed since it was generated. Run `cargo xtask generate`."
        Replace(CONTRACT, "    post:\n      operationId: paint_thing\n      tags: [things]\n      summary: Paint a thing\n", "    post:\n      operationId: paint_thing\n      tags: [things]\n      summary: Paint one thing\n"),
        Replace(CONTRACT, "    post:\n      operationId: paint_thing\n      tags: [things]\n      summary: Paint a thing\n", "    post:\n      summary: Paint a thing\n      operationId: paint_thing\n      tags: [things]\n");
    ServerEdited Error "server/edited"
        "The generated server has no manual edits."
        "The next `cargo xtask generate` overwrites the edit. Change the contract or the generator instead."
        Replace(SERVER, "\"Wet paint\"", "\"Still wet\""),
        Add("generated/README.md", "Generated; do not edit.\n");
    ServerOperation Error "server/operation"
        "The server has the contract's operations, at their methods and paths."
        "Compared in both directions with what the server emits (`emits` in the settings): neither may have an operation that the other lacks."
        Replace(EMITTED, "\"/things/{thing_id}/paint\"", "\"/things/{thing_id}/colour\""),
        Replace(EMITTED, "{", "{\"x-note\": 1, ");
    ServerText Error "server/text"
        "The server describes each operation as the contract does."
        "Compares its ID, summary, description, tags and `deprecated`, and the description of its success response."
        Replace(EMITTED, "Starts to paint a thing.", "Starts to paint."),
        Replace(EMITTED, "Starts to paint a thing.", "Starts  to paint a\\nthing.");
    ServerParameter Error "server/parameter"
        "The server accepts the contract's parameters and request bodies."
        "Compares each parameter's name, location, style, description and schema, and whether it is required; and each body's media types and their schemas, and whether it is required."
        Replace(EMITTED, "\"maximum\":100", "\"maximum\":1000"),
        Replace(EMITTED, "\"maximum\":100", "\"maximum\":100.0");
    ServerSuccess Error "server/success"
        "The server's success responses match the contract."
        "Compares the status, the media types and the schema of the body."
        Replace(EMITTED, "\"202\"", "\"201\""),
        Replace(EMITTED, "\"$ref\":\"#/components/schemas/Message\"", "\"$ref\": \"#/components/schemas/Message\"");
    ServerHeader Error "server/header"
        "The server's responses have the contract's headers."
        "Compares each header's name and which responses have it; for a success also its description and schema."
        Replace(EMITTED, "\"Link\":{", "\"Lnk\":{"),
        Replace(EMITTED, "\"Link\":{", "\"link\":{");
    ServerSchema Error "server/schema"
        "The server's schemas match the contract's."
        "Compared by meaning: the order of keys, explicit defaults and wrapped descriptions make no difference."
        Replace(EMITTED, "\"enum\":[\"large\",\"small\"]", "\"enum\":[\"large\"]"),
        Replace(EMITTED, "\"enum\":[\"large\",\"small\"]", "\"enum\":[\"small\",\"large\"]");
    ServerError Error "server/error"
        "The server has the contract's errors, and no others."
        "Compares name, status, message and advice with the table that the server's error types are built from."
        Replace(EMITTED, "\"message\":\"Wet paint\"", "\"message\":\"Wet\""),
        Replace(EMITTED, "Wait until the paint is dry.", "Wait until  the paint is dry.");
    ServerPermission Error "server/permission"
        "The server requires the contract's permissions."
        "Compared with the document that the server emits."
        Replace(EMITTED, "\"x-required-permission\":\"things.paint\"", "\"x-required-permission\":\"things.all\""),
        Replace(EMITTED, "\"x-required-permission\":\"things.paint\"", "\"x-required-permission\": \"things.paint\"");
    ServerRateLimit Error "server/rate-limit"
        "The server applies the contract's rate limits."
        "Compared with the document that the server emits."
        Replace(EMITTED, "\"requests\":10,", "\"requests\":11,"),
        Replace(EMITTED, "\"requests\":10,", "\"requests\": 10,");

    ServerSecurity Error "server/security"
        "The server requires the contract's security schemes."
        "Compares the alternative schemes with their scopes, and the definition of each scheme. Skipped if the server emits no security at all, as in dropshot's own documents."
        Replace(EMITTED, "\"security\":[{\"key\":[]}]", "\"security\":[{\"key\":[\"paint\"]}]"),
        Replace(EMITTED, "\"security\":[{\"key\":[]}]", "\"security\":[{\"key\":[ ]}]");

    ClientMissing Error "client/missing"
        "The generated client exists."
        "It is checked in, so that its users need no generator."
        Remove(CLIENT),
        Replace(SETTINGS, "client = \"generated/client.rs\"\nclient_errors = \"generated/errors.rs\"\n", "");
    ClientStale Error "client/stale"
        "The generated client is up to date with the contract."
        "The contract or the generator has changed since it was generated. Run `cargo xtask generate`."
        Replace(CONTRACT, "summary: Wait until the paint is dry.", "summary: Wait a day."),
        Replace(CONTRACT, "summary: Wait until the paint is dry.", "summary: |-\n                    Wait until the paint\n                    is dry.");
    ClientEdited Error "client/edited"
        "The generated client has no manual edits."
        "The next `cargo xtask generate` overwrites the edit. Change the contract or the generator instead."
        Replace(CLIENT, "\"Wet paint\"", "\"Still wet\""),
        Add("generated/notes.rs", "// Notes.\n");

    PageMissing Error "page/missing"
        "Every operation has a page."
        "A section of a page belongs to the endpoint that it declares, for example in a code span such as `GET /things`. With `require = [\"complete-pages\"]` every operation needs a page in every language; otherwise a missing page is reported only if at least four out of five operations have one."
        Remove(PINTAR),
        Replace(PINTAR, "# Pintar una cosa", "# Dar color a una cosa");
    PageUnknownOperation Error "page/unknown-operation"
        "Every endpoint that a page declares is an operation of the contract."
        "The operation was removed, or the endpoint is too misspelt to match. If the page seems to be about another API, this is only a note, `page/unknown`."
        Add("openapi/reference/sell-thing.md", "# Sell a thing\n\n`DELETE /stock/{stock_id}/offers`\n"),
        Add("notes/sell-thing.md", "# Sell a thing\n\n`DELETE /stock/{stock_id}/offers`\n");
    PageDuplicate Error "page/duplicate"
        "With `require = [\"complete-pages\"]` an operation has one page in each language."
        "Two pages drift apart, and readers do not know which one is right."
        Add("openapi/reference/paint.md", "# Paint\n\n`POST /things/{thing_id}/paint`\n\nYou need the `things.paint` permission. 10 requests per minute are allowed. The status code is `202`.\n\n| `thing_id` | Required | String |\n| --- | --- | --- |\n| `thing_id` | Required | String |\n\n```bash\ncurl -X POST https://api.eu.example.com/things/{id}/paint -H 'Authorization: Bearer K'\n```\n\n```json\n{\"message\": \"started\"}\n```\n\n| Error |\n| --- |\n| `400 Invalid thing ID` |\n| `404 Thing not found` |\n| `409 Wet paint` |\n\n[Errors](errors.md)\n"),
        Replace(PAINT, "See also", "It is `POST /things/{thing_id}/paint`. See also");
    PageMethod Error "page/method"
        "A page names a method that the contract has at this path."
        "The server answers any other method with 405."
        Replace(PAINT, "`POST /things", "`PUT /things"),
        Replace(PAINT, "# Paint a thing", "# PUT paint on a thing");
    PagePath Error "page/path"
        "A page names its operation's path."
        "The server answers any other path with 404. Variable names, a trailing slash and the base path of a server are ignored, unless `complete-pages` is required."
        Replace(PAINT, "`POST /things/{thing_id}/paint`", "`POST /things/{thing_id}/paints`"),
        Replace(PAINT, "`POST /things/{thing_id}/paint`", "**`POST /things/{thing_id}/paint`**");
    PagePermission Error "page/permission"
        "A page names the permission that its operation requires, and no other."
        "Readers create keys with it. It is read from a code span on the page, and from an extension, scopes or the operation's description in the contract."
        Replace(PAINT, "`things.paint`", "`things.paints`"),
        Replace(PAINT, "`things.paint` permission", "permission `things.paint`");
    PageRateLimit Error "page/rate-limit"
        "A page gives its operation's rate limit."
        "Read from a number with a unit of time, such as `20 requests per minute`; `1,200 per hour` means the same."
        Replace(PAINT, "10 requests per minute", "100 requests per minute"),
        Replace(PAINT, "10 requests per minute", "600 requests per hour");
    PageUnknownRateLimit Note "page/unknown-rate-limit"
        "A page includes its rate limit from another file, which is not read."
        "The page has a template include where the limit should be, so the limit could not be compared."
        Replace(PAINT, "10 requests per minute are allowed.", "{% include rate_limits.md endpoint='paint' %}"),
        Replace(PAINT, "10 requests per minute are allowed.", "10 requests per minute are allowed. {% include rate_limits.md endpoint='paint' %}");
    PageParameterMissing Error "page/parameter-missing"
        "A page that has a table of parameters describes every parameter."
        "Checks query parameters, unless the page mentions them elsewhere. With `require = [\"complete-pages\"]` every page needs such a table, and the table must list path parameters too."
        Replace(LIST, "| `limit` | Optional | Integer | How many things to list, from 1 to 100. |\n", ""),
        Replace(LIST, "| `limit` | Optional | Integer | How many things to list, from 1 to 100. |\n", "| `limit` | optional | integer | How many. |\n");
    PageParameterExtra Error "page/parameter-extra"
        "A page describes only parameters that its operation has."
        "The server ignores any other parameter. A table or list counts as one of parameters if half of its names are parameters, or if it is labelled as one."
        Replace(LIST, "| `kind` | Optional |", "| `kinds` | Optional |"),
        Replace(LIST, "Only things of this kind.", "Only things of this `kinds`.");
    PageParameterRequired Error "page/parameter-required"
        "A page and the contract agree on which parameters are required."
        "Read from words such as `Required` or `Optional`, in the page's language."
        Replace(PINTAR, "| `thing_id` | Obligatorio |", "| `thing_id` | Opcional |"),
        Replace(PINTAR, "| `thing_id` | Obligatorio |", "| `thing_id` | Obligatoria |");
    PageParameterType Error "page/parameter-type"
        "A page and the contract agree on the type of each parameter."
        "Read from type words in any known language; `number` is accepted for an integer. Because values in a URL are text, `string` is accepted for any type, unless `complete-pages` is required."
        Replace(LISTAR, "| `limit` | Opcional | Entero |", "| `limit` | Opcional | Cadena |"),
        Replace(LISTAR, "| `limit` | Opcional | Entero |", "| `limit` | Opcional | Número |");
    PageParameterLocation Error "page/parameter-location"
        "A parameter is listed under the heading for its location."
        "The heading above a table says whether it lists path or query parameters."
        Replace(PAINT, "## Path parameters", "## Query parameters"),
        Replace(PAINT, "## Path parameters", "## Parameters");
    PageDefault Error "page/default"
        "A page and the contract give the same default."
        "Read from a column for defaults, or a code span after words such as `defaults to`. Not reported if the contract has no default."
        Replace(NOTES, "Defaults to `newest`", "Defaults to `oldest`"),
        Replace(NOTES, "Defaults to `newest`", "Default: `newest`");
    PageSuccessStatus Error "page/success-status"
        "A page names only success statuses that the contract documents."
        "Read from tabs, titles of code blocks, headings, table rows, lists, labels, status lines and sentences. With `require = [\"complete-pages\"]` the page must name one."
        Replace(PAINT, "The status code is `202`.", "The status code is `200`."),
        Replace(PAINT, "The status code is `202`.", "Status: `202`");
    PageBody Error "page/body"
        "The bodies that a page shows fit the schemas of the operation's request and responses."
        "The tab, label or heading around a code block says which body it shows. The body must fit the schema and have no field that the schema does not name. Omitted fields and placeholders are accepted. Each place in the contract is reported once."
        Replace(LIST, "\"weight\": 4", "\"weigth\": 4"),
        Replace(LIST, "\"weight\": 4", "\"weight\" : 4");
    PageBodySyntax Error "page/body-syntax"
        "The bodies that a page shows are valid JSON."
        "Readers copy them. Comments, ellipses, headers, descriptions in place of values, and members without braces are accepted."
        Replace(PAINT, "{\"message\": \"started\"}", "{\"message\": \"started\",}"),
        Replace(PAINT, "{\"message\": \"started\"}", "{\n  \"message\": \"started\"\n}");
    PageFieldMissing Error "page/field-missing"
        "A table of fields lists every field."
        "Checks tables for an object in the request, unless the page shows the fields elsewhere or several operations share the object. With `require = [\"complete-pages\"]` tables for responses are checked too."
        Replace(LIST, "| `maker` | String | Who made it. |\n", ""),
        Replace(LIST, "| `maker` | String | Who made it. |\n", "| `maker` | String | |\n");
    PageFieldExtra Error "page/field-extra"
        "A table of fields lists only fields that exist."
        "The server ignores and never sends any other field. A table is matched to an object if half of its names are fields of that object (for an object in a response, two thirds)."
        Replace(LIST, "| `maker` | String |", "| `makers` | String |"),
        Replace(LIST, "| `maker` | String | Who made it. |", "| `maker` | String | Who made it (`makers`). |");
    PageFieldRequired Error "page/field-required"
        "A page and the contract agree on which fields of a request are required."
        "Read from a column, a word beside the type, or an asterisk after the name. Not reported if the contract requires no field of the object."
        Replace(NOTES, "| `reminder` | object |", "| `reminder`* | object |"),
        Replace(NOTES, "| `text`* | string |", "| `text` | string (required) |");
    PageFieldType Error "page/field-type"
        "A table of fields gives each field's type, and whether it may be null."
        "Read from type words in any known language. Whether a field may be null is compared only if `complete-pages` is required."
        Replace(LIST, "| `painted_at` | String or null |", "| `painted_at` | String |"),
        Replace(LIST, "| `painted_at` | String or null |", "| `painted_at` | String (date-time) or null |");
    PageEnumMissing Error "page/enum-missing"
        "A table of values lists every value."
        "Clients must be able to handle every value that they may receive."
        Replace(LISTAR, "| `large` | La llevan dos. |\n", ""),
        Replace(LISTAR, "| `large` | La llevan dos. |\n", "| `large` | Dos. |\n");
    PageEnumExtra Error "page/enum-extra"
        "A page lists only values that the contract allows."
        "Read from a table of values, or a sentence such as `One of a, b`, and compared with the contract's `enum`."
        Replace(LIST, "| `large` |", "| `larger` |"),
        Replace(LIST, "| `large` | Two do. |", "| `large` | Two do, `huge` as it is. |");
    PageRequestMissing Error "page/request-missing"
        "A page shows an example request."
        "A `curl` command in a code block."
        Replace(LIST, "```bash\ncurl ", "```bash\nwget "),
        Replace(LIST, "```bash\ncurl ", "```\n$ curl ");
    PageRequestSyntax Error "page/request-syntax"
        "A shell can run the example request."
        "Quotes must be closed, and a line that ends with a backslash must be followed by another line."
        Replace(PAINT, "--header 'Authorization: Bearer YOUR-KEY'", "--header 'Authorization: Bearer YOUR-KEY"),
        Replace(PAINT, "--header 'Authorization: Bearer YOUR-KEY'", "--header $'Authorization: Bearer YOUR-KEY'");
    PageRequestMethod Error "page/request-method"
        "The example request uses the operation's method."
        "Without `--request`, curl sends GET, and POST where data is sent."
        Replace(PAINT, "curl --request POST", "curl --request PUT"),
        Replace(PAINT, "curl --request POST", "curl -XPOST");
    PageRequestHost Error "page/request-host"
        "The example request goes to a server that the contract names."
        "Variables of the server's URL match any text without a dot; `localhost` and placeholders such as `$HOST` are fine. Unless `complete-pages` is required, this is reported only if nine out of ten examples name a server of the contract."
        Replace(LIST, "https://api.eu.example.com/", "https://api.example.com/"),
        Replace(LISTAR, "curl 'https://api.eu.example.com/", "curl --url 'https://api.eu.example.com/");
    PageRequestPath Error "page/request-path"
        "The example request goes to the operation's path."
        "Values for path variables must fit their schemas or be placeholders. The same applies to a `Link` header that the page shows."
        Replace(PAINT, "0001/paint'", "0001/paints'"),
        Replace(PAINT, "curl --request POST 'https", "curl --silent --request POST 'https");
    PageRequestQuery Error "page/request-query"
        "The example request sends query parameters that the operation has."
        "Their values must fit their schemas."
        Replace(LIST, "?limit=10", "?limit=1000"),
        Replace(LIST, "curl 'https://api.eu.example.com/things?limit=10'", "curl \"https://api.eu.example.com/things?limit=10\"");
    PageRequestAuthorization Error "page/request-authorization"
        "The example request sends an API key."
        "It must use one of the operation's security schemes: bearer, basic, or an API key in a header, the query or a cookie. Without a key the server answers 401. Unless `complete-pages` is required, this is reported only if nine out of ten examples send a key."
        Replace(PAINT, "'Authorization: Bearer YOUR-KEY'", "'Authorization: YOUR-KEY'"),
        Replace(PAINT, "--header 'Authorization: Bearer YOUR-KEY'", "-H \"authorization: Bearer YOUR-KEY\"");
    PageRequestBody Error "page/request-body"
        "The example request sends a body that the operation accepts, or no body if the operation has none."
        "The server refuses a body that does not fit its schema. A body that the server does not read misleads readers."
        Replace(PAINT, "curl --request POST", "curl --data '{\"colour\": \"red\"}' --request POST"),
        Replace(PAINT, "curl --request POST", "curl --output painted.json --request POST");
    PageHeader Error "page/header"
        "The response headers that a page names are in the contract."
        "A code span that almost matches the name of a documented header is treated as a typo. A name that resembles no documented header is ignored."
        Replace(LIST, "The `Link` header leads", "The `Link` header (not `Retry-Afer`) leads"),
        Replace(LIST, "The `Link` header leads", "The `Link` header (not `Content-Type`) leads");
    PageErrorMissing Error "page/error-missing"
        "The page's error table lists every error that the contract documents."
        "Checked with `require = [\"complete-pages\"]`, and where both the operation's description and the page list errors by name. Errors that all operations share may be listed once, on a common page."
        Replace(PINTAR, "| `404 Thing not found` | Comprueba que la cosa exista. |\n", ""),
        Replace(PINTAR, "| `404 Thing not found` | Comprueba que la cosa exista. |\n", "| `404 Thing not found` | ¿Existe? |\n");
    PageErrorExtra Error "page/error-extra"
        "The page lists only errors that the contract documents."
        "The server never sends any other error. Without `complete-pages`, the status is compared wherever the page names it, and the error's name only where both sides list names."
        Replace(PAINT, "| `409 Wet paint` |", "| `410 Sold out` | Too late. |\n| `409 Wet paint` |"),
        Replace(PAINT, "See also", "Once there was `410 Sold out`. See also");
    PageErrorMessage Error "page/error-message"
        "An error's message is exactly the contract's."
        "Clients compare messages. Read from tables and the code spans around them. A message that almost matches a documented one is treated as a typo."
        Replace(PAINT, "`409 Wet paint`", "`409 Wet Paint`"),
        Replace(PAINT, "`409 Wet paint`", "<code>409 Wet paint</code>");
    PageErrorStatus Error "page/error-status"
        "An error's status is the contract's."
        "Clients branch on the status. Read from tables and the code spans around them."
        Replace(PAINT, "`409 Wet paint`", "`423 Wet paint`"),
        Replace(PAINT, "| `409 Wet paint` |", "| Conflict: `409 Wet paint` |");
    PageErrorDuplicate Error "page/error-duplicate"
        "A page's error table lists each error once."
        "If there are two rows, one of them goes out of date."
        Replace(PAINT, "| `409 Wet paint` |", "| `409 Wet paint` | Wait. |\n| `409 Wet paint` |"),
        Replace(PAINT, "Check that the thing exists.", "Check that the thing exists, and has no `409 Wet paint`.");
    PageCommonErrors Error "page/common-errors"
        "With `require = [\"complete-pages\"]` the errors that all operations share have a page in every language."
        "This is a page that has an error table and declares no endpoint. Without it, every operation's page must list these errors."
        Remove(ERRORES),
        Replace(ERRORES, "# Errores comunes", "# Errores");
    PageCommonErrorsLink Error "page/common-errors-link"
        "With `require = [\"complete-pages\"]` an operation's page links to the common errors."
        "The page itself does not list errors such as 401."
        Replace(PAINT, "[common errors](errors.md)", "common errors"),
        Replace(PAINT, "[common errors](errors.md)", "[common errors](errors.md#401)");
    PageEditions Error "page/editions"
        "The language versions of a page show the same code and mention the same headers."
        "Details that the contract does not have can still be compared between languages."
        Replace(LISTAR, "\"weight\": 4", "\"weight\": 5"),
        Replace(LISTAR, "\"weight\": 4", "\"weight\":   4");
    PageUnknown Note "page/unknown"
        "A page, or an endpoint of it, could not be compared."
        "The page names no endpoint and has no error table (reported only if `complete-pages` is required), or it declares endpoints that the contract does not have. It may be an overview, be about another API, or have a format that is not recognized."
        Add("openapi/reference/about.md", "# About things\n\nThey are everywhere.\n"),
        Add("openapi/reference/about.txt", "They are everywhere.\n");

    CompatOperationRemoved Error "compat/operation-removed"
        "Breaking: an operation was removed, or its method or path changed."
        "Clients that call it get 404 or 405. Renaming a path variable is not a change."
        Replace(CONTRACT, "  /things/{thing_id}/paint:\n", "  /things/{thing_id}/colour:\n"),
        Replace(CONTRACT, "description: Starts to paint a thing.", "description: Paints a thing.");
    CompatOperationRenamed Error "compat/operation-renamed"
        "Breaking: an operation's ID changed."
        "Generated clients name a method after it."
        Replace(CONTRACT, "operationId: paint_thing", "operationId: paint"),
        Replace(CONTRACT, "summary: Paint a thing", "summary: Paint the thing");
    CompatOperationAdded Note "compat/operation-added"
        "Harmless: an operation was added."
        "No client depends on it yet."
        Replace(CONTRACT, "    get:\n      operationId: list_things\n", "    head:\n      operationId: count_things\n      responses:\n        '200':\n          description: How many\n          content:\n            application/json:\n              schema: {$ref: '#/components/schemas/Message'}\n    get:\n      operationId: list_things\n"),
        Replace(CONTRACT, "    get:\n      operationId: list_things\n", "    get:\n      # the first\n      operationId: list_things\n");
    CompatServerRemoved Warning "compat/server-removed"
        "Needs care: a server URL was removed."
        "Clients may still call it. Also reported if an operation gets different servers, or a variable in a server URL different values."
        Replace(CONTRACT, "https://api.{region}.example.com", "https://{region}.example.com"),
        Replace(CONTRACT, "region: {default: eu}", "region: {default: eu, description: Where}");
    CompatParameterRequired Error "compat/parameter-required"
        "Breaking: a request requires a parameter that it did not require before."
        "Existing clients do not send it."
        Replace(CONTRACT, "- name: kind\n          in: query\n", "- name: kind\n          in: query\n          required: true\n"),
        Replace(CONTRACT, "- name: kind\n          in: query\n", "- name: kind\n          in: query\n          required: false\n");
    CompatParameterAdded Note "compat/parameter-added"
        "Harmless: an operation accepts a new optional parameter."
        "Nothing changes for clients that do not send it."
        Replace(CONTRACT, "      parameters:\n        - name: kind\n", "      parameters:\n        - {name: colour, in: query, schema: {type: string}}\n        - name: kind\n"),
        Replace(CONTRACT, "description: Only things of this kind.", "description: Things of this kind.");
    CompatParameterRemoved Warning "compat/parameter-removed"
        "Needs care: an operation no longer accepts a parameter."
        "Clients may still send it, and it has no effect."
        Replace(CONTRACT, "        - name: kind\n          in: query\n          description: Only things of this kind.\n          schema: {type: string}\n", ""),
        Replace(CONTRACT, "        - name: kind\n          in: query\n          description: Only things of this kind.\n          schema: {type: string}\n", "        - {in: query, name: kind, schema: {type: string}}\n");
    CompatParameterNarrowed Error "compat/parameter-narrowed"
        "Breaking: a parameter accepts fewer values than before."
        "Values that were valid are refused."
        Replace(CONTRACT, "minimum: 1, maximum: 100", "minimum: 1, maximum: 50"),
        Replace(CONTRACT, "minimum: 1, maximum: 100", "maximum: 100, minimum: 1");
    CompatParameterWidened Note "compat/parameter-widened"
        "Harmless: a parameter accepts more values than before."
        "Values that were valid are still valid."
        Replace(CONTRACT, "minimum: 1, maximum: 100", "minimum: 1, maximum: 500"),
        Replace(CONTRACT, "description: How many things to list.", "description: How many.");
    CompatParameterDefault Warning "compat/parameter-default"
        "Needs care: the default of a parameter changed."
        "Clients that leave it out get a different result."
        Replace(CONTRACT, "          description: Only things of this kind.\n          schema: {type: string}\n", "          description: Only things of this kind.\n          schema: {type: string, default: small}\n"),
        Replace(CONTRACT, "          description: Only things of this kind.\n          schema: {type: string}\n", "          description: Only things of this kind.\n          schema: {type: string, example: small}\n");
    CompatSuccessStatus Error "compat/success-status"
        "Breaking: the status of a success response changed."
        "Clients treat the new status as undocumented."
        Replace(CONTRACT, "'202':\n          description: The painting has started", "'200':\n          description: The painting has started"),
        Replace(CONTRACT, "'202':\n          description: The painting has started", "'202':\n          description: It has started");
    CompatFieldRemoved Error "compat/field-removed"
        "Breaking: a field was removed from a response."
        "Clients read it."
        Replace(CONTRACT, "        maker: {type: string}\n", ""),
        Replace(CONTRACT, "        maker: {type: string}\n", "        maker: {type: string, description: Who made it}\n");
    CompatFieldAdded Note "compat/field-added"
        "Harmless: a field was added to a response."
        "Clients ignore fields that they do not know."
        Replace(CONTRACT, "        maker: {type: string}\n", "        maker: {type: string}\n        owner: {type: string}\n"),
        Replace(CONTRACT, "        maker: {type: string}\n", "        maker: {\"type\": \"string\"}\n");
    CompatFieldType Error "compat/field-type"
        "Breaking: the type or the bounds of a field in a response changed."
        "Clients parse the field as it was before."
        Replace(CONTRACT, "weight: {type: integer, minimum: 0}", "weight: {type: number, minimum: 0}"),
        Replace(CONTRACT, "weight: {type: integer, minimum: 0}", "weight: {minimum: 0, type: integer}");
    CompatFieldOptional Error "compat/field-optional"
        "Breaking: a field that was always sent may be absent or null."
        "Clients rely on it."
        Replace(CONTRACT, "required: [thing_id, name, kind, weight, painted_at]", "required: [thing_id, name, weight, painted_at]"),
        Replace(CONTRACT, "required: [thing_id, name, kind, weight, painted_at]", "required: [name, kind, weight, painted_at, thing_id]");
    CompatFieldThere Note "compat/field-there"
        "Harmless: a field that was optional is always sent, or its bounds are tighter."
        "Clients that handle its absence keep working."
        Replace(CONTRACT, "required: [thing_id, name, kind, weight, painted_at]", "required: [thing_id, name, kind, weight, painted_at, maker]"),
        Replace(CONTRACT, "required: [thing_id, name, kind, weight, painted_at]", "required: ['thing_id', name, kind, weight, painted_at]");
    CompatValueAdded Error "compat/value-added"
        "Breaking: a field in a response has a new value."
        "Clients that know only the old values may fail on the new one."
        Replace(CONTRACT, "enum: [small, large]", "enum: [small, large, huge]"),
        Replace(CONTRACT, "enum: [small, large]", "enum: [large, small]");
    CompatValueRemoved Note "compat/value-removed"
        "Harmless: a field in a response no longer has a value."
        "Clients that handle the value no longer receive it."
        Replace(CONTRACT, "enum: [small, large]", "enum: [small]"),
        Replace(CONTRACT, "enum: [small, large]", "enum: ['small', 'large']");
    CompatHeaderRemoved Error "compat/header-removed"
        "Breaking: a header was removed from a success response."
        "Clients may read it."
        Replace(CONTRACT, "          headers:\n            Link: {$ref: '#/components/headers/Link'}\n", ""),
        Replace(CONTRACT, "            Link: {$ref: '#/components/headers/Link'}\n", "            link: {$ref: '#/components/headers/Link'}\n");
    CompatHeaderOptional Warning "compat/header-optional"
        "Needs care: a header that was always sent may be absent."
        "Clients may rely on it."
        Replace(CONTRACT, "      description: Where the next page is.\n      required: true\n", "      description: Where the next page is.\n"),
        Replace(CONTRACT, "      description: Where the next page is.\n", "      description: The next page.\n");
    CompatHeaderAdded Note "compat/header-added"
        "Harmless: a header was added to a success response."
        "Clients that do not know it ignore it."
        Replace(CONTRACT, "            Link: {$ref: '#/components/headers/Link'}\n", "            Link: {$ref: '#/components/headers/Link'}\n            X-Count: {schema: {type: integer}}\n"),
        Replace(CONTRACT, "            Link: {$ref: '#/components/headers/Link'}\n", "            Link:\n              $ref: '#/components/headers/Link'\n");
    CompatErrorRemoved Warning "compat/error-removed"
        "Needs care: an error is no longer documented."
        "Make sure that the server no longer sends it."
        Replace(CONTRACT, "                invalid_kind:\n                  summary: Use one of the kinds.\n                  value: {message: Invalid kind}\n", ""),
        Replace(CONTRACT, "summary: Use one of the kinds.", "summary: Use a kind.");
    CompatErrorAdded Warning "compat/error-added"
        "Needs care: a new error is documented."
        "Clients that know only the old errors treat it as undocumented."
        Replace(CONTRACT, "                wet_paint:\n", "                no_paint:\n                  summary: Buy some.\n                  value: {message: No paint}\n                wet_paint:\n"),
        Replace(CONTRACT, "summary: Wait until the paint is dry.", "summary: Wait.");
    CompatErrorMessage Error "compat/error-message"
        "Breaking: the message of an error changed."
        "Clients use the message to distinguish errors with the same status."
        Replace(CONTRACT, "value: {message: Wet paint}", "value: {message: Paint is wet}"),
        Replace(CONTRACT, "value: {message: Wet paint}", "value: {message: \"Wet paint\"}");
    CompatErrorStatus Error "compat/error-status"
        "Breaking: the status of an error changed."
        "Clients branch on the status."
        Replace(CONTRACT, "        '409':\n          description: In the way", "        '423':\n          description: In the way"),
        Replace(CONTRACT, "        '409':\n          description: In the way", "        '409':\n          description: Not now");
    CompatRateLimitStricter Error "compat/rate-limit-stricter"
        "Breaking: a rate limit is stricter."
        "Clients that stayed within the old limit get 429. A shorter window with fewer requests is stricter too, even at the same rate."
        Replace(CONTRACT, "{requests: 60, window_seconds: 60}", "{requests: 30, window_seconds: 30}"),
        Replace(CONTRACT, "{requests: 60, window_seconds: 60}", "{window_seconds: 60, requests: 60}");
    CompatRateLimitLooser Note "compat/rate-limit-looser"
        "Harmless: a rate limit is looser."
        "Requests that were allowed are still allowed."
        Replace(CONTRACT, "{requests: 60, window_seconds: 60}", "{requests: 120, window_seconds: 60}"),
        Replace(CONTRACT, "{requests: 60, window_seconds: 60}", "{requests: 60, window_seconds: 60} # as ever");
    CompatPermission Error "compat/permission"
        "Breaking: an operation requires a different permission."
        "Keys that have only the old one are refused with 403."
        Replace(CONTRACT, "x-required-permission: things.paint", "x-required-permission: things.write"),
        Replace(CONTRACT, "x-required-permission: things.paint", "x-required-permission: \"things.paint\"");
    CompatSecurity Error "compat/security"
        "Breaking: an operation requires different authentication."
        "Existing clients still authenticate in the old way."
        Replace(CONTRACT, "security:\n  - key: []", "security:\n  - token: []"),
        Replace(CONTRACT, "security:\n  - key: []", "security:\n  - {key: []}");
    CompatParameterStyle Error "compat/parameter-style"
        "Breaking: the serialization of a parameter changed."
        "Existing clients still use the old `style`, `explode` or media type."
        Replace(ORDERS, "        - name: tags\n          in: query\n", "        - name: tags\n          in: query\n          explode: false\n"),
        Replace(ORDERS, "        - name: tags\n          in: query\n", "        - name: tags\n          in: query\n          explode: true\n");
    CompatBodyRequired Error "compat/body-required"
        "Breaking: a request requires a body that it did not require before."
        "Existing clients send none."
        Replace(ORDERS, "      operationId: note_order\n      parameters:\n        - {name: order_id, in: path, required: true, schema: {type: string}}\n      requestBody:\n", "      operationId: note_order\n      parameters:\n        - {name: order_id, in: path, required: true, schema: {type: string}}\n      requestBody:\n        required: true\n"),
        Replace(ORDERS, "      operationId: note_order\n      parameters:\n        - {name: order_id, in: path, required: true, schema: {type: string}}\n      requestBody:\n", "      operationId: note_order\n      parameters:\n        - {name: order_id, in: path, required: true, schema: {type: string}}\n      requestBody:\n        required: false\n");
    CompatBodyRemoved Error "compat/body-removed"
        "Breaking: an operation no longer accepts a body."
        "Existing clients send one, and the server ignores it."
        Replace(ORDERS, "      requestBody:\n        required: true\n        content:\n          application/json:\n            schema: {$ref: '#/components/schemas/NewOrder'}\n          application/xml:\n            schema: {$ref: '#/components/schemas/NewOrder'}\n", ""),
        Replace(ORDERS, "      requestBody:\n        required: true\n", "      requestBody:\n        description: What to order\n        required: true\n");
    CompatBodyFieldRequired Error "compat/body-field-required"
        "Breaking: a body requires a field that it did not require before."
        "Existing clients leave it out."
        Replace(ORDERS, "required: [thing]", "required: [thing, count]"),
        Replace(ORDERS, "required: [thing]", "required: ['thing']");
    CompatBodyFieldRemoved Warning "compat/body-field-removed"
        "Needs care: a request body no longer has a field."
        "Clients may still send it, and it has no effect. If the body refuses unknown fields, this is `compat/body-narrowed` instead."
        Replace(ORDERS, "        gift: {type: boolean}\n", ""),
        Replace(ORDERS, "        gift: {type: boolean}\n", "        gift: {description: Wrap it, type: boolean}\n");
    CompatBodyNarrowed Error "compat/body-narrowed"
        "Breaking: a request body accepts fewer values than before."
        "Bodies that were valid are refused, because a type, a bound, a value, an alternative or a field changed."
        Replace(ORDERS, "maxLength: 40", "maxLength: 20"),
        Replace(ORDERS, "{type: string, maxLength: 40}", "{maxLength: 40, type: string}");
    CompatBodyWidened Note "compat/body-widened"
        "Harmless: a request body accepts more values than before."
        "Bodies that were valid are still valid."
        Replace(ORDERS, "maxLength: 40", "maxLength: 80"),
        Replace(ORDERS, "{type: string, maxLength: 40}", "{type: string, maxLength: 40, description: Which}");
    CompatBodyDefault Warning "compat/body-default"
        "Needs care: the default of a field in a request body changed."
        "Clients that leave it out get a different result."
        Replace(ORDERS, "default: 1, minimum: 1", "default: 2, minimum: 1"),
        Replace(ORDERS, "default: 1, minimum: 1", "minimum: 1, default: 1.0");
    CompatMediaTypeRemoved Error "compat/media-type-removed"
        "Breaking: a media type of a body was removed."
        "Clients send or read this media type."
        Replace(ORDERS, "          application/xml:\n            schema: {$ref: '#/components/schemas/NewOrder'}\n", ""),
        Replace(ORDERS, "          application/xml:\n", "          application/xml; charset=utf-8:\n");
    CompatMediaTypeAdded Note "compat/media-type-added"
        "Harmless: a media type of a body was added."
        "Clients that do not know it do not ask for it."
        Replace(ORDERS, "          application/xml:\n", "          application/yaml:\n            schema: {$ref: '#/components/schemas/NewOrder'}\n          application/xml:\n"),
        Replace(ORDERS, "          application/xml:\n", "          'application/XML':\n");
    CompatEncoding Error "compat/encoding"
        "Breaking: the encoding of a form field changed."
        "Existing clients still use the old encoding."
        Replace(ORDERS, "contentType: 'image/png, image/jpeg'", "contentType: image/png"),
        Replace(ORDERS, "contentType: 'image/png, image/jpeg'", "contentType: 'image/jpeg, image/png'");
    CompatSuccessAdded Warning "compat/success-added"
        "Needs care: a new success response is documented."
        "Clients that know only the old responses treat it as undocumented."
        Replace(ORDERS, "        '201':\n", "        '202':\n          description: The order will be placed\n        '201':\n"),
        Replace(ORDERS, "        '201':\n", "        \"201\":\n");
    CompatFieldsOpen Warning "compat/fields-open"
        "Needs care: a response may have undocumented fields."
        "Before, it had only documented fields. This affects clients that refuse unknown fields or read all fields."
        Replace(ORDERS, "      additionalProperties: false\n", ""),
        Replace(ORDERS, "      additionalProperties: false\n", "      additionalProperties: false # closed\n");
    CompatAlternativeAdded Error "compat/alternative-added"
        "Breaking: a response has a new alternative."
        "Clients that know only the old alternatives may fail on the new one."
        Replace(ORDERS, "        - $ref: '#/components/schemas/Card'\n", "        - {type: object, required: [voucher], properties: {voucher: {type: string}}}\n        - $ref: '#/components/schemas/Card'\n"),
        Replace(ORDERS, "        - $ref: '#/components/schemas/Card'\n        - $ref: '#/components/schemas/Invoice'\n", "        - $ref: '#/components/schemas/Invoice'\n        - $ref: '#/components/schemas/Card'\n");
    CompatDiscriminator Error "compat/discriminator"
        "Breaking: the discriminator of alternatives changed."
        "The field is different, or the value for an alternative: clients pick the wrong alternative, or none."
        Replace(ORDERS, "          card: '#/components/schemas/Card'\n", "          credit_card: '#/components/schemas/Card'\n"),
        Replace(ORDERS, "          card: '#/components/schemas/Card'\n          invoice: '#/components/schemas/Invoice'\n", "          invoice: '#/components/schemas/Invoice'\n          card: '#/components/schemas/Card'\n");
    CompatScopes Error "compat/scopes"
        "Breaking: an operation requires different scopes."
        "Tokens with only the old scopes are refused."
        Replace(ORDERS, "  - sign_in: [orders.read]\n", "  - sign_in: [orders.read, orders.write]\n"),
        Replace(ORDERS, "  - sign_in: [orders.read]\n", "  - sign_in: ['orders.read']\n");

    LiveAnswer Error "live/answer"
        "A live server answers as documented."
        "The request was built to get one documented response, and the server sent a different one."
        Serve("answers a malformed `integration_id` with `404 Integration not found`"), Serve("answers it with `400 Invalid integration ID`");
    LiveUndocumented Error "live/undocumented"
        "A live server sends only documented responses."
        "Neither the status nor the message is documented for the operation, so clients have no code for it."
        Serve("answers `410 Gone`"), Serve("answers `404 Integration not found`");
    LiveStatus Error "live/status"
        "A live server sends each error with its documented status."
        "The message is documented, but with a different status. Clients look at the status first."
        Serve("answers `Integration not found` with the status 400"), Serve("answers it with 404");
    LiveMessage Error "live/message"
        "A live server sends each error with exactly the documented message."
        "The message distinguishes errors with the same status."
        Serve("answers `404 No such integration`"), Serve("answers `404 Integration not found`");
    LiveMediaType Error "live/media-type"
        "A live server sends bodies with their documented media types, JSON in UTF-8."
        "Clients parse a body by its media type. `charset=utf-8` may be added."
        Serve("sends JSON as `text/html`, or with `charset=iso-8859-1`"), Serve("sends it as `application/json; charset=utf-8`");
    LiveBody Error "live/body"
        "A live server sends a JSON document where one is documented, and otherwise no body."
        "Clients cannot parse an HTML page, an empty body or half a document."
        Serve("answers with a page of HTML and the right status"), Serve("answers with JSON that has different white space");
    LiveSchema Error "live/schema"
        "A live server's bodies fit their schemas."
        "A field is missing, null or of the wrong type, or a value is not in its `enum` or has the wrong format."
        Serve("sends `rows_synced` as a string"), Serve("sends the same fields in a different order");
    LiveUndocumentedField Warning "live/undocumented-field"
        "A live server's success responses have only documented fields."
        "Clients must accept unknown fields, so this is only a warning, but they cannot know what the field means. Errors may have additional fields."
        Serve("adds `owner` to an integration"), Serve("adds `request_id` to an error");
    LiveHeaderMissing Error "live/header-missing"
        "A live server sends the headers that are required."
        "Clients rely on headers that are documented as required."
        Serve("answers 401 without `WWW-Authenticate`"), Serve("sends the name of a header in lower case");
    LiveHeaderValue Error "live/header-value"
        "A live server's headers fit their schemas."
        "For example, a number must be a number, and a header whose `enum` has one value must have that value."
        Serve("sends `Retry-After: soon`"), Serve("sends undocumented headers");
    LiveNoAnswer Error "live/no-answer"
        "A live server answers every request completely and in time."
        "The connection was closed early, the body was shorter than announced, or the response took too long."
        Serve("closes the connection in the middle of a body"), Serve("sends the body in chunks");
    LiveAuthentication Error "live/authentication"
        "A live server refuses requests without a valid key."
        "A request without a key, or with an invalid one, succeeded."
        Serve("lists integrations for a request without a key"), Serve("answers it with 401");
    LivePermission Error "live/permission"
        "A live server refuses keys without the permission."
        "A request succeeded with a key that lacks the permission that the contract names."
        Serve("lists integrations for a key without permissions"), Serve("answers it with 403");
    LiveOrder Error "live/order"
        "A live server checks requests in the order that `order` in the settings gives, such as 401, 403, 429, 400, 404."
        "A caller without access must not learn from the response what exists, or whether a parameter is well-formed."
        Serve("answers a key without permission with 404 where the integration does not exist"), Serve("answers it with 403 for every integration");
    LiveLeak Error "live/leak"
        "Responses for another tenant's resources are the same as for resources that do not exist."
        "If the status, message or headers differ, callers can find out which IDs exist."
        Serve("answers 403 for another tenant's integration"), Serve("answers 404 for it and for one that does not exist");
    LiveKeyEchoed Error "live/key-echoed"
        "A live server never repeats an API key."
        "Responses are logged and shown to people."
        Serve("answers `401` with the key in a field"), Serve("answers it with a request ID");
    LiveRateLimitCount Error "live/rate-limit-count"
        "`X-RateLimit-Remaining` decreases by one with each request."
        "It is 0 when a request is refused; `X-RateLimit-Limit` stays the same. Which requests count is `counted` in the settings."
        Serve("always sends `X-RateLimit-Remaining: 19`"), Serve("starts again when a window begins");
    LiveRateLimitReset Error "live/rate-limit-reset"
        "`X-RateLimit-Reset` of a live server is the end of the window."
        "It must be in Unix seconds, in the future, and at most one window away by the server's own clock."
        Serve("sends the seconds that are left"), Serve("sends the second in which the window ends");
    LiveRateLimitApplied Error "live/rate-limit-applied"
        "A live server applies its rate limit."
        "The server served more requests than the limit within one window."
        Serve("never refuses a request"), Serve("refuses the first request over the limit");
    LiveRateLimitOther Note "live/rate-limit-other"
        "A live server's rate limit differs from the contract's."
        "Workspaces can have their own limits; clients that rely on the contract's limit may be refused."
        Serve("is configured for 10 requests a window"), Serve("has the contract's limit");
    LiveRetryAfter Error "live/retry-after"
        "After the time in a live server's `Retry-After`, the rate limit is lifted."
        "It must agree with `X-RateLimit-Reset`, and a request after that time must not be refused."
        Serve("sends `Retry-After: 0` all the time"), Serve("rounds up to the next second");
    LiveServerError Error "live/server-error"
        "No request makes a live server answer 5xx."
        "Requests are generated from the contract, with unusual values, methods, headers and bodies. A 5xx means a fault in the server; an invalid request should get a 4xx."
        Serve("answers 500 to `%00` in a parameter"), Serve("answers it with `400 Invalid integration ID`");
    LiveMethod Error "live/method"
        "A live server refuses methods that a path does not have, and lists those that it has."
        "It must answer 405 with `Allow`, or 404. A success, or an `Allow` with other methods, is not documented. `OPTIONS` may get 200 or 204, and `HEAD` the same as GET."
        Serve("answers 405 without `Allow`"), Serve("answers it with `Allow: GET, HEAD`");
    LiveConnection Error "live/connection"
        "A live server handles each request on a connection separately."
        "Requests with and without a key are pipelined on one connection. Each must get its own response, in the order in which they were sent."
        Serve("takes the key of the first request for all that follow"), Serve("closes the connection after the first response");
    LivePageLink Error "live/page-link"
        "A live server's `Link` header leads to the neighbouring pages."
        "It must lead only to pages of the same list and never in a circle, and the first page must have no `prev`."
        Serve("sends a `next` that leads to the same page"), Serve("sends addresses with or without the host");
    LivePageItems Error "live/page-items"
        "Every item of a live server's list is on exactly one page."
        "Paging to the end and back must return the same items, each once."
        Serve("repeats the last item of a page on the next"), Serve("has fewer items on the last page");
    LivePageOrder Error "live/page-order"
        "A live server's list has its documented order."
        "This includes the order across pages: clients stop at the first item that they already know."
        Serve("lists the oldest job first"), Serve("writes its times with `+00:00`");
    LivePageShort Warning "live/page-short"
        "Every page of a live server's list but the last is full."
        "A page that is not full looks like the last one, or hides an item."
        Serve("has 9 of 10 items on a page with a `next`"), Serve("has 3 items on the last page");

    CoverageNotCompared Error "coverage/not-compared"
        "Every operation takes part in every comparison."
        "Anything that could not be compared may have drifted. The finding says which comparison was not possible, and why; `--coverage` lists all of them. Fix the cause, or allow the finding."
        Replace(CONTRACT, "schema: {$ref: '#/components/schemas/Message'}", "schema: {$ref: 'messages.yaml#/Message'}"),
        Replace(CONTRACT, "schema: {$ref: '#/components/schemas/Message'}", "schema: {'$ref': '#/components/schemas/Message'}");
    AllowUnused Error "allow/unused"
        "Every allowance in the settings still matches a finding."
        "The finding was fixed, so the allowance would hide the next one in the same place."
        Replace(SETTINGS, "[project]\n", "[[allow]]\nrule = \"page/error-extra\"\nfile = \"openapi/reference/paint-thing.md\"\nreason = \"soon\"\n\n[project]\n"),
        Replace(SETTINGS, "[project]\n", "# no allowances\n[project]\n");
}
