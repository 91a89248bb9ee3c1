//! The one table of rules: what `cargo xtask check` and `cargo xtask conform` can find. Names never change once released.
//!
//! Each rule comes with two edits of the project in `xtask/fixtures/things` (or of a page in `xtask/fixtures/notes`, or of the
//! contract in `xtask/fixtures/orders`): one after which the rule speaks, and one, as
//! close to it as possible, after which nothing does. Tests make both.

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Needs somebody's care; does not fail the check.
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

/// What people read about a rule.
#[derive(Debug)]
pub struct RuleInfo {
    /// `family/kebab-case`.
    pub name: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it means, in one line.
    pub summary: &'static str,
    /// Why it matters and what to do, in a few sentences.
    pub explanation: &'static str,
    /// An edit of the fixture after which the rule speaks.
    pub fires: Edit,
    /// An edit of the fixture, as close to the other as possible, after which nothing speaks.
    pub silent: Edit,
}

/// An edit of the fixture.
#[derive(Debug, Clone, Copy)]
pub enum Edit {
    /// The first occurrence of a text in a file becomes another.
    Replace(&'static str, &'static str, &'static str),
    /// A file goes.
    Remove(&'static str),
    /// A file comes.
    Add(&'static str, &'static str),
    /// What a live server does. The wrong servers in `tests/` do it.
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
/// A contract of its own, for what `things.yaml` has not: compared with its earlier form only.
const ORDERS: &str = "fixtures/orders/orders.yaml";
const SETTINGS: &str = "openapi/check.toml";
/// Pages of another project, which keep to no customs: `xtask/fixtures/notes`.
const NOTES: &str = "fixtures/notes/docs/notes.md";

macro_rules! rules {
    ($($variant:ident $severity:ident $name:literal $summary:literal $explanation:literal $fires:expr, $silent:expr;)*) => {
        /// A rule of the check.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule { $(#[doc = $summary] $variant,)* }

        impl Rule {
            /// All rules, by family.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant,)*];

            /// What people read about it.
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
    /// The rule of a name.
    pub fn named(name: &str) -> Option<Rule> {
        Rule::ALL.iter().copied().find(|rule| rule.info().name == name)
    }
}

rules! {
    ContractParses Error "contract/parses"
        "The contract is a well-formed YAML or JSON document."
        "Nothing else can be compared until it is. Keys that stand twice, aliases that lead nowhere and a parameter in no known part of a request are found here too."
        Replace(CONTRACT, "  title: Things\n", "  title: Things\n  title: Other things\n"),
        Replace(CONTRACT, "  title: Things\n", "  'title': \"Things\"\n");
    ContractVersion Error "contract/version"
        "The contract is OpenAPI 3.0 or 3.1."
        "Other versions write other things in other ways. A document of Swagger 2.0 has to be converted first."
        Replace(CONTRACT, "openapi: 3.0.3", "openapi: 4.0.0"),
        Replace(CONTRACT, "openapi: 3.0.3", "openapi: 3.0.0");
    ContractRefResolves Error "contract/ref-resolves"
        "Every `$ref` leads to something."
        "A reference that leads nowhere or in a circle means nothing. Parts that nothing refers to are looked at as well: they are referred to tomorrow."
        Replace(CONTRACT, "'403': {$ref: '#/components/responses/Forbidden'}", "'403': {$ref: '#/components/responses/Forbiden'}"),
        Replace(CONTRACT, "'403': {$ref: '#/components/responses/Forbidden'}", "'403': {\"$ref\": \"#/components/responses/Forbidden\"}");
    ContractBesideReference Warning "contract/beside-reference"
        "Nothing stands beside a `$ref` that OpenAPI 3.0 does not read there."
        "Some tools read it and some do not: a `nullable: true` beside a `$ref` makes a field optional for one generator and not for another. Put the `$ref` into an `allOf` of one, and the rest beside that."
        Replace(CONTRACT, "schema: {$ref: '#/components/schemas/ThingPage'}", "schema: {$ref: '#/components/schemas/ThingPage', nullable: true}"),
        Replace(CONTRACT, "schema: {$ref: '#/components/schemas/ThingPage'}", "schema: {$ref: '#/components/schemas/ThingPage', description: A page}");
    ContractUnknownKey Error "contract/unknown-key"
        "The contract has only keys that OpenAPI knows, and requires only fields that there are."
        "Nobody reads a misspelt key: a parameter with `requierd: true` is optional. Keys of your own begin with `x-`."
        Replace(CONTRACT, "summary: Paint a thing\n", "summary: Paint a thing\n      externaldocs: {url: https://example.com}\n"),
        Replace(CONTRACT, "summary: Paint a thing\n", "summary: Paint a thing\n      externalDocs: {url: https://example.com}\n");
    ContractOperationId Error "contract/operation-id"
        "Operation IDs are unique; with `require = [\"operation-id\"]` every operation has one."
        "Methods of clients and servers are named after them."
        Replace(CONTRACT, "operationId: paint_thing", "operationId: list_things"),
        Replace(CONTRACT, "operationId: paint_thing", "operationId:   'paint_thing'");
    ContractPathParameter Error "contract/path-parameter"
        "The variables of a path are its path parameters."
        "A variable that nobody describes has no type; a path parameter without a variable is never sent."
        Replace(CONTRACT, "- name: thing_id\n          in: path", "- name: thing\n          in: path"),
        Replace(CONTRACT, "- name: thing_id\n          in: path", "- in: path\n          name: thing_id");
    ContractSecurity Error "contract/security"
        "Required security schemes are declared; with `require = [\"security\"]` every operation requires one."
        "An operation that requires an undeclared scheme can be called by nobody; one without any can be called by anybody."
        Replace(CONTRACT, "security:\n  - key: []", "security:\n  - kee: []"),
        Replace(CONTRACT, "security:\n  - key: []", "security: [{key: []}]");
    ContractPermission Error "contract/permission"
        "With `require = [\"permission\"]` every operation names the permission that it requires."
        "The server refuses keys without it, and the page tells people which one to ask for. Where it stands says `permission` in the profile, such as `x-required-permission: area.action`."
        Replace(CONTRACT, "x-required-permission: things.paint", "x-requires-permission: things.paint"),
        Replace(CONTRACT, "x-required-permission: things.paint", "x-required-permission: 'things.paint'");
    ContractRateLimit Error "contract/rate-limit"
        "With `require = [\"rate-limit\"]` every operation gives its rate limit."
        "Where it stands says `rate_limit` in the profile, such as `x-rate-limit: {requests: 20, window_seconds: 60}`: so many requests in each window, both above 0."
        Replace(CONTRACT, "x-rate-limit: {requests: 10, window_seconds: 60}", "x-rate-limit: {requests: 0, window_seconds: 60}"),
        Replace(CONTRACT, "x-rate-limit: {requests: 10, window_seconds: 60}", "x-rate-limit: {window_seconds: 60, requests: 10}");
    ContractErrorUnnamed Error "contract/error-unnamed"
        "With `require = [\"error-examples\"]` every error status names its errors."
        "A status alone does not tell people what to do. Each error is a named example under its status."
        Replace(CONTRACT, "              examples:\n                wet_paint:\n                  summary: Wait until the paint is dry.\n                  value: {message: Wet paint}\n", ""),
        Replace(CONTRACT, "summary: Wait until the paint is dry.", "summary: >-\n                    Wait until the paint is dry.");
    ContractErrorText Error "contract/error-text"
        "With `require = [\"error-examples\"]` every error has a summary, and what tells it from others."
        "What `error_identity` in the profile leads to, such as the message, tells errors of one status apart; the summary becomes the advice in code and on pages."
        Replace(CONTRACT, "value: {message: Wet paint}", "value: {message: ''}"),
        Replace(CONTRACT, "value: {message: Wet paint}", "value: {message: 'Wet paint'}");
    ContractErrorAmbiguous Error "contract/error-ambiguous"
        "No two errors of an operation are the same to a client."
        "A client tells them apart by status and what `error_identity` in the profile leads to, generated code by name: both must be unique within an operation."
        Replace(CONTRACT, "value: {message: Invalid limit}", "value: {message: Invalid kind}"),
        Replace(CONTRACT, "value: {message: Invalid limit}", "value:\n                    message: Invalid limit");
    ContractErrorSchema Error "contract/error-schema"
        "All errors have the schema that `error_schema` in the profile names, which stays open."
        "One schema for all errors lets clients read any of them. Closed, or with more required fields than the one that tells errors apart, it would make a client fail on a body that a proxy or a newer server sends."
        Replace(CONTRACT, "    Error:\n      type: object\n", "    Error:\n      type: object\n      additionalProperties: false\n"),
        Replace(CONTRACT, "        request_id: {type: string}\n", "        request_id:\n          type: string\n");
    ContractExampleFits Error "contract/example-fits"
        "Examples fit their schemas."
        "People copy examples, tests are made of them: one that does not fit is wrong, or the schema is."
        Replace(CONTRACT, "kind: small, weight: 4", "kind: medium, weight: 4"),
        Replace(CONTRACT, "kind: small, weight: 4", "weight: 4, kind: small");
    ContractSchemaUsable Error "contract/schema-usable"
        "Values can be held against every schema."
        "A pattern that is no regular expression, or a bound that makes no sense, is read by every tool in another way, or makes it stop."
        Replace(CONTRACT, "name: {type: string}", "name: {type: string, pattern: '([a-z'}"),
        Replace(CONTRACT, "name: {type: string}", "name: {'type': string}");
    ContractSubset Error "contract/subset"
        "The contract stays inside what can be turned into code."
        "What is outside would make a generator panic, or write code that does not compile or does not do what the contract says. It is asked for only where code is generated.

| part | what it takes |
| --- | --- |
| document | OpenAPI 3.0.x in one file; every `$ref` is local; path items stand in their place |
| profile | `error_identity = \"/message\"`, an `error_schema`, `permission = \"x-required-permission\"`, `rate_limit = \"x-rate-limit\"` |
| operation | an `operationId`; one of `DELETE`, `GET`, `HEAD`, `PATCH`, `POST`, `PUT`; no request body; exactly one 2xx (200, 201 or 202), which has a body (no 204); a permission, a rate limit and security, though what asks for them be allowed to be missing; tags that stand in the document's `tags` |
| paths | each segment a text or one variable; two paths never have both at the same place |
| parameters | in `path` (always `required: true`) or `query`; `string` (plain or `uuid`, `minLength`, `maxLength`), `integer` (`minimum`, `maximum`), `boolean`; the default `style`; each with a 400 named `invalid_<parameter>` |
| responses | each status by itself; `application/json` and nothing beside it; the success's schema a `$ref`, every error's a `$ref` to the one schema of errors; every error a named example with a message and a summary |
| schemas | objects of `string` (plain, `uuid`, `date-time`), `integer` (`int32`, `int64`), `number`, `boolean`, arrays of those, and `$ref`s; lists of text values (`enum`; the client keeps a value that is not in the list); `nullable`, also of a `$ref` through an `allOf` with one member, but not of a component itself |
| names | two names of one kind never become the same identifier, nor one that the generated code has for itself |
| headers | any of those types; a header with a single `enum` value is always sent with it |
| errors that the server itself answers | one 401, 403, 500 and 503 each, and a 429 named `rate_limited` |"
        Replace(CONTRACT, "        maker: {type: string}\n", "        maker: {type: string, enum: [me, you]}\n"),
        Replace(CONTRACT, "        maker: {type: string}\n", "        maker: {type: string, nullable: false}\n");

    ServerMissing Error "server/missing"
        "The generated server is there."
        "It is checked in, so that a clone builds without the generator."
        Remove(SERVER),
        Replace(SETTINGS, "server = \"generated/server.rs\"\n", "");
    ServerStale Error "server/stale"
        "The generated server is what the contract generates."
        "The contract or the generator has changed since. `cargo xtask generate` writes it anew."
        Replace(CONTRACT, "    post:\n      operationId: paint_thing\n      tags: [things]\n      summary: Paint a thing\n", "    post:\n      operationId: paint_thing\n      tags: [things]\n      summary: Paint one thing\n"),
        Replace(CONTRACT, "    post:\n      operationId: paint_thing\n      tags: [things]\n      summary: Paint a thing\n", "    post:\n      summary: Paint a thing\n      operationId: paint_thing\n      tags: [things]\n");
    ServerEdited Error "server/edited"
        "Nobody has edited the generated server."
        "The edit is lost with the next `cargo xtask generate`: it belongs into the contract or into the generator."
        Replace(SERVER, "\"Wet paint\"", "\"Still wet\""),
        Add("generated/README.md", "Generated; do not edit.\n");
    ServerOperation Error "server/operation"
        "The server has the contract's operations, at their methods and paths."
        "Compared with what the server emits (`emits` in the settings), in both directions: neither has one more than the other."
        Replace(EMITTED, "\"/things/{thing_id}/paint\"", "\"/things/{thing_id}/colour\""),
        Replace(EMITTED, "{", "{\"x-note\": 1, ");
    ServerText Error "server/text"
        "The server says the same words of an operation as the contract."
        "Its id, summary, description and tags, whether it is deprecated, and what its success is."
        Replace(EMITTED, "Starts to paint a thing.", "Starts to paint."),
        Replace(EMITTED, "Starts to paint a thing.", "Starts  to paint a\\nthing.");
    ServerParameter Error "server/parameter"
        "The server takes the contract's parameters, and its request bodies."
        "Of a parameter its name, place, style, whether it is required, description and schema; of a body whether it is required, its media types and their schemas."
        Replace(EMITTED, "\"maximum\":100", "\"maximum\":1000"),
        Replace(EMITTED, "\"maximum\":100", "\"maximum\":100.0");
    ServerSuccess Error "server/success"
        "The server answers with the contract's success."
        "Its status, its media types and the schema of its body."
        Replace(EMITTED, "\"202\"", "\"201\""),
        Replace(EMITTED, "\"$ref\":\"#/components/schemas/Message\"", "\"$ref\": \"#/components/schemas/Message\"");
    ServerHeader Error "server/header"
        "The server's answers have the contract's headers."
        "Name, and whether each answer carries it; of a success also its description and schema."
        Replace(EMITTED, "\"Link\":{", "\"Lnk\":{"),
        Replace(EMITTED, "\"Link\":{", "\"link\":{");
    ServerSchema Error "server/schema"
        "The server's schemas are the contract's."
        "Compared by what they mean: the order of keys, defaults and wrapped descriptions are all the same."
        Replace(EMITTED, "\"enum\":[\"large\",\"small\"]", "\"enum\":[\"large\"]"),
        Replace(EMITTED, "\"enum\":[\"large\",\"small\"]", "\"enum\":[\"small\",\"large\"]");
    ServerError Error "server/error"
        "The server has the contract's errors, and no others."
        "Name, status, message and advice, from the table that the server's error types are built from."
        Replace(EMITTED, "\"message\":\"Wet paint\"", "\"message\":\"Wet\""),
        Replace(EMITTED, "Wait until the paint is dry.", "Wait until  the paint is dry.");
    ServerPermission Error "server/permission"
        "The server requires the contract's permissions."
        "Compared with what the document that the server emits says."
        Replace(EMITTED, "\"x-required-permission\":\"things.paint\"", "\"x-required-permission\":\"things.all\""),
        Replace(EMITTED, "\"x-required-permission\":\"things.paint\"", "\"x-required-permission\": \"things.paint\"");
    ServerRateLimit Error "server/rate-limit"
        "The server applies the contract's rate limits."
        "Compared with what the document that the server emits says."
        Replace(EMITTED, "\"requests\":10,", "\"requests\":11,"),
        Replace(EMITTED, "\"requests\":10,", "\"requests\": 10,");

    ServerSecurity Error "server/security"
        "The server demands the contract's security schemes."
        "The alternatives of schemes with their scopes, and what each scheme is. A server that emits nothing of security at all is not compared for it: dropshot's does not."
        Replace(EMITTED, "\"info\":{", "\"security\":[{\"key\":[\"paint\"]}],\"info\":{"),
        Replace(EMITTED, "\"info\":{", "\"security\":[{\"key\":[]}],\"info\":{");

    ClientMissing Error "client/missing"
        "The generated client is there."
        "It is checked in, so that its users need no generator."
        Remove(CLIENT),
        Replace(SETTINGS, "client_errors = \"generated/errors.rs\"\n", "");
    ClientStale Error "client/stale"
        "The generated client is what the contract generates."
        "The contract or the generator has changed since. `cargo xtask generate` writes it anew."
        Replace(CONTRACT, "summary: Wait until the paint is dry.", "summary: Wait a day."),
        Replace(CONTRACT, "summary: Wait until the paint is dry.", "summary: |-\n                    Wait until the paint\n                    is dry.");
    ClientEdited Error "client/edited"
        "Nobody has edited the generated client."
        "The edit is lost with the next `cargo xtask generate`: it belongs into the contract or into the generator."
        Replace(CLIENT, "\"Wet paint\"", "\"Still wet\""),
        Add("generated/notes.rs", "// Nobody's business.\n");

    PageMissing Error "page/missing"
        "Every operation has a page."
        "A part of a page is known by the endpoint that it declares, as in a code span such as `GET /things`. With `require = [\"complete-pages\"]` every operation needs one in every language; otherwise only where four of five operations have one."
        Remove(PINTAR),
        Replace(PINTAR, "# Pintar una cosa", "# Dar color a una cosa");
    PageUnknownOperation Error "page/unknown-operation"
        "Every endpoint that a page declares is an operation."
        "The operation was removed, or the endpoint is written so wrongly that nobody can tell which is meant. Where a page is about something else, as far as can be told, this is a note, `page/unknown`."
        Add("openapi/reference/sell-thing.md", "# Sell a thing\n\n`DELETE /stock/{stock_id}/offers`\n"),
        Add("notes/sell-thing.md", "# Sell a thing\n\n`DELETE /stock/{stock_id}/offers`\n");
    PageDuplicate Error "page/duplicate"
        "With `require = [\"complete-pages\"]` an operation has one page in each language."
        "Two pages drift from each other, and nobody knows which one people read."
        Add("openapi/reference/paint.md", "# Paint\n\n`POST /things/{thing_id}/paint`\n\nYou need the `things.paint` permission. 10 requests per minute are allowed. The status code is `202`.\n\n| `thing_id` | Required | String |\n| --- | --- | --- |\n| `thing_id` | Required | String |\n\n```bash\ncurl -X POST https://api.eu.example.com/things/{id}/paint -H 'Authorization: Bearer K'\n```\n\n```json\n{\"message\": \"started\"}\n```\n\n| Error |\n| --- |\n| `400 Invalid thing ID` |\n| `404 Thing not found` |\n| `409 Wet paint` |\n\n[Errors](errors.md)\n"),
        Replace(PAINT, "See also", "It is `POST /things/{thing_id}/paint`. See also");
    PageMethod Error "page/method"
        "A page names a method that the contract has at this path."
        "Another method is answered with 405."
        Replace(PAINT, "`POST /things", "`PUT /things"),
        Replace(PAINT, "# Paint a thing", "# PUT paint on a thing");
    PagePath Error "page/path"
        "A page names its operation's path."
        "Another path is answered with 404. The names of variables, a trailing slash and the path of a server are no difference, unless `complete-pages` is required."
        Replace(PAINT, "`POST /things/{thing_id}/paint`", "`POST /things/{thing_id}/paints`"),
        Replace(PAINT, "`POST /things/{thing_id}/paint`", "**`POST /things/{thing_id}/paint`**");
    PagePermission Error "page/permission"
        "A page names the permission that its operation requires, and no other."
        "People create keys by it. It stands in a code span. The contract has it in an extension, in scopes, or in words in the description of the operation."
        Replace(PAINT, "`things.paint`", "`things.paints`"),
        Replace(PAINT, "`things.paint` permission", "permission `things.paint`");
    PageRateLimit Error "page/rate-limit"
        "A page gives its operation's rate limit."
        "A number with a stretch of time, such as `20 requests per minute`; `1,200 per hour` says the same."
        Replace(PAINT, "10 requests per minute", "100 requests per minute"),
        Replace(PAINT, "10 requests per minute", "600 requests per hour");
    PageUnknownRateLimit Note "page/unknown-rate-limit"
        "A page takes its rate limit from another file, which is not looked at."
        "An include of a template language stands where the limit should. The limit could not be compared."
        Replace(PAINT, "10 requests per minute are allowed.", "{% include rate_limits.md endpoint='paint' %}"),
        Replace(PAINT, "10 requests per minute are allowed.", "10 requests per minute are allowed. {% include rate_limits.md endpoint='paint' %}");
    PageParameterMissing Error "page/parameter-missing"
        "A page that has a table of parameters describes all of them."
        "Parameters of the query, unless something else on the page speaks of them. With `require = [\"complete-pages\"]` every page needs such a table, and describes those of the path, too."
        Replace(LIST, "| `limit` | Optional | Integer | How many things to list, from 1 to 100. |\n", ""),
        Replace(LIST, "| `limit` | Optional | Integer | How many things to list, from 1 to 100. |\n", "| `limit` | optional | integer | How many. |\n");
    PageParameterExtra Error "page/parameter-extra"
        "A page describes only parameters that its operation has."
        "The server ignores others, and people wonder why. A table or a list is one of parameters if half of its names are, or if it says so."
        Replace(LIST, "| `kind` | Optional |", "| `kinds` | Optional |"),
        Replace(LIST, "Only things of this kind.", "Only things of this `kinds`.");
    PageParameterRequired Error "page/parameter-required"
        "A page says of each parameter whether it is required, as the contract does."
        "In the words of the page's language."
        Replace(PINTAR, "| `thing_id` | Obligatorio |", "| `thing_id` | Opcional |"),
        Replace(PINTAR, "| `thing_id` | Obligatorio |", "| `thing_id` | Obligatoria |");
    PageParameterType Error "page/parameter-type"
        "A page says of each parameter what it is, as the contract does."
        "In the words of any language; a number may be said of a whole number. In a query everything is a text, so a page that says text of a number or a flag is right."
        Replace(LISTAR, "| `limit` | Opcional | Entero |", "| `limit` | Opcional | Cadena |"),
        Replace(LISTAR, "| `limit` | Opcional | Entero |", "| `limit` | Opcional | Número |");
    PageParameterLocation Error "page/parameter-location"
        "A parameter stands in a table under a heading that names its place."
        "Path or query: the heading over the table says which."
        Replace(PAINT, "## Path parameters", "## Query parameters"),
        Replace(PAINT, "## Path parameters", "## Parameters");
    PageDefault Error "page/default"
        "A page gives the default that the contract does."
        "In a column of defaults, or in a code span after words such as `defaults to`. Where the contract states no default, nothing is said."
        Replace(NOTES, "Defaults to `newest`", "Defaults to `oldest`"),
        Replace(NOTES, "Defaults to `newest`", "Default: `newest`");
    PageSuccessStatus Error "page/success-status"
        "A page names only successes that the contract documents."
        "In tabs, titles of code blocks, headings, rows, lists, labels, status lines and sentences that say so. With `require = [\"complete-pages\"]` it has to name one."
        Replace(PAINT, "The status code is `202`.", "The status code is `200`."),
        Replace(PAINT, "The status code is `202`.", "Status: `202`");
    PageBody Error "page/body"
        "The bodies that a page shows are ones that the operation takes or answers with."
        "What a code block shows is known by what stands around it: a tab, a label, a heading. It fits the schema of that, and has no field that the schema does not name. What is left out or stands for something else is no difference. One place of the contract is told once."
        Replace(LIST, "\"weight\": 4", "\"weigth\": 4"),
        Replace(LIST, "\"weight\": 4", "\"weight\" : 4");
    PageBodySyntax Error "page/body-syntax"
        "The bodies that a page shows are JSON."
        "People copy them. Comments, ellipses, headers, descriptions in the place of values and members without braces are manners of writing, and no mistakes."
        Replace(PAINT, "{\"message\": \"started\"}", "{\"message\": \"started\",}"),
        Replace(PAINT, "{\"message\": \"started\"}", "{\n  \"message\": \"started\"\n}");
    PageFieldMissing Error "page/field-missing"
        "A table of fields lists all of them."
        "Those of an object of the request, unless something else on the page shows them or several operations share it. With `require = [\"complete-pages\"]` those of answers, too."
        Replace(LIST, "| `maker` | String | Who made it. |\n", ""),
        Replace(LIST, "| `maker` | String | Who made it. |\n", "| `maker` | String | |\n");
    PageFieldExtra Error "page/field-extra"
        "A table of fields lists only fields that there are."
        "Clients send or expect the others in vain. A table is one of an object if half of its names are its fields (of an answer's, two thirds)."
        Replace(LIST, "| `maker` | String |", "| `makers` | String |"),
        Replace(LIST, "| `maker` | String | Who made it. |", "| `maker` | String | Who made it (`makers`). |");
    PageFieldRequired Error "page/field-required"
        "A page says of each field of a request whether it is required, as the contract does."
        "In a column for it, beside the type, or by an asterisk after the name. Where the contract requires no field of the object at all, nothing is said."
        Replace(NOTES, "| `reminder` | object |", "| `reminder`* | object |"),
        Replace(NOTES, "| `text`* | string |", "| `text` | string (required) |");
    PageFieldType Error "page/field-type"
        "A table of fields says what each is, and whether it may be null."
        "In the words of any language. Whether it may be null matters only where `complete-pages` is required."
        Replace(LIST, "| `painted_at` | String or null |", "| `painted_at` | String |"),
        Replace(LIST, "| `painted_at` | String or null |", "| `painted_at` | String (date-time) or null |");
    PageEnumMissing Error "page/enum-missing"
        "A table of values lists all of them."
        "Clients have to know every value that they may meet."
        Replace(LISTAR, "| `large` | La llevan dos. |\n", ""),
        Replace(LISTAR, "| `large` | La llevan dos. |\n", "| `large` | Dos. |\n");
    PageEnumExtra Error "page/enum-extra"
        "A page lists only values that there are."
        "In a table of values, or in a sentence such as `One of a, b`. The contract's `enum` has them all."
        Replace(LIST, "| `large` |", "| `larger` |"),
        Replace(LIST, "| `large` | Two do. |", "| `large` | Two do, `huge` as it is. |");
    PageRequestMissing Error "page/request-missing"
        "A page shows an example request."
        "A `curl` command in a code block."
        Replace(LIST, "```bash\ncurl ", "```bash\nwget "),
        Replace(LIST, "```bash\ncurl ", "```\n$ curl ");
    PageRequestSyntax Error "page/request-syntax"
        "A shell takes the example request."
        "Quotes are closed, and a line that ends with a backslash is followed by another."
        Replace(PAINT, "--header 'Authorization: Bearer YOUR-KEY'", "--header 'Authorization: Bearer YOUR-KEY"),
        Replace(PAINT, "--header 'Authorization: Bearer YOUR-KEY'", "--header $'Authorization: Bearer YOUR-KEY'");
    PageRequestMethod Error "page/request-method"
        "The example request has the operation's method."
        "Without `--request`, curl sends GET, and POST where data is sent."
        Replace(PAINT, "curl --request POST", "curl --request PUT"),
        Replace(PAINT, "curl --request POST", "curl -XPOST");
    PageRequestHost Error "page/request-host"
        "The example request goes to a server that the contract names."
        "Variables of the server's URL match any text without a dot; `localhost` and placeholders such as `$HOST` are fine. Unless `complete-pages` is required, this is said only where nine of ten examples name a server of the contract."
        Replace(LIST, "https://api.eu.example.com/", "https://api.example.com/"),
        Replace(LISTAR, "curl 'https://api.eu.example.com/", "curl --url 'https://api.eu.example.com/");
    PageRequestPath Error "page/request-path"
        "The example request goes to the operation's path."
        "With values for its variables that fit their schemas, or placeholders. So does a `Link` header that the page shows."
        Replace(PAINT, "0001/paint'", "0001/paints'"),
        Replace(PAINT, "curl --request POST 'https", "curl --silent --request POST 'https");
    PageRequestQuery Error "page/request-query"
        "The example request sends query parameters that the operation has."
        "With values that fit their schemas."
        Replace(LIST, "?limit=10", "?limit=1000"),
        Replace(LIST, "curl 'https://api.eu.example.com/things?limit=10'", "curl \"https://api.eu.example.com/things?limit=10\"");
    PageRequestAuthorization Error "page/request-authorization"
        "The example request sends an API key."
        "In the way of one of the operation's security schemes: bearer, basic, or an API key in a header, the query or a cookie. Without it, the answer is 401. Unless `complete-pages` is required, this is said only where nine of ten examples send one."
        Replace(PAINT, "'Authorization: Bearer YOUR-KEY'", "'Authorization: YOUR-KEY'"),
        Replace(PAINT, "--header 'Authorization: Bearer YOUR-KEY'", "-H \"authorization: Bearer YOUR-KEY\"");
    PageRequestBody Error "page/request-body"
        "The example request sends a body that the operation takes, and none to one that takes none."
        "What does not fit its schema is refused; what is not read makes people believe that it is."
        Replace(PAINT, "curl --request POST", "curl --data '{\"colour\": \"red\"}' --request POST"),
        Replace(PAINT, "curl --request POST", "curl --output painted.json --request POST");
    PageHeader Error "page/header"
        "The headers that a page names are ones that operations answer with."
        "A code span that is nearly the name of a header, and not quite, is taken for a typo. What resembles none is somebody else's."
        Replace(LIST, "The `Link` header leads", "The `Link` header (not `Retry-Afer`) leads"),
        Replace(LIST, "The `Link` header leads", "The `Link` header (not `Content-Type`) leads");
    PageErrorMissing Error "page/error-missing"
        "An error that the contract documents stands in the page's error table."
        "With `require = [\"complete-pages\"]`, or where the description of an operation lists errors by name and the page does, too. Errors that all operations share may stand on one page for all of them."
        Replace(PINTAR, "| `404 Thing not found` | Comprueba que la cosa exista. |\n", ""),
        Replace(PINTAR, "| `404 Thing not found` | Comprueba que la cosa exista. |\n", "| `404 Thing not found` | ¿Existe? |\n");
    PageErrorExtra Error "page/error-extra"
        "An error on the page is one that the contract documents."
        "The server cannot answer with any other: people look for what never comes. Without `complete-pages` its status counts, wherever the page names it, and its name where both list names."
        Replace(PAINT, "| `409 Wet paint` |", "| `410 Sold out` | Too late. |\n| `409 Wet paint` |"),
        Replace(PAINT, "See also", "Once there was `410 Sold out`. See also");
    PageErrorMessage Error "page/error-message"
        "An error's message is the contract's, to the letter."
        "In tables, and in code spans around them. Clients compare it. Close to a documented message, a wrong one is taken for a typo."
        Replace(PAINT, "`409 Wet paint`", "`409 Wet Paint`"),
        Replace(PAINT, "`409 Wet paint`", "<code>409 Wet paint</code>");
    PageErrorStatus Error "page/error-status"
        "An error's status is the contract's."
        "In tables, and in code spans around them. Clients decide by it."
        Replace(PAINT, "`409 Wet paint`", "`423 Wet paint`"),
        Replace(PAINT, "| `409 Wet paint` |", "| Conflict: `409 Wet paint` |");
    PageErrorDuplicate Error "page/error-duplicate"
        "An error stands once in a page's error table."
        "Of two rows one gets out of date."
        Replace(PAINT, "| `409 Wet paint` |", "| `409 Wet paint` | Wait. |\n| `409 Wet paint` |"),
        Replace(PAINT, "Check that the thing exists.", "Check that the thing exists, and has no `409 Wet paint`.");
    PageCommonErrors Error "page/common-errors"
        "With `require = [\"complete-pages\"]` the errors that all operations share have a page in every language."
        "A page without an endpoint that has an error table. Without it they have to stand on every operation's page."
        Remove(ERRORES),
        Replace(ERRORES, "# Errores comunes", "# Errores");
    PageCommonErrorsLink Error "page/common-errors-link"
        "With `require = [\"complete-pages\"]` an operation's page leads to the common errors."
        "People who look for a 401 on it find nothing there."
        Replace(PAINT, "[common errors](errors.md)", "common errors"),
        Replace(PAINT, "[common errors](errors.md)", "[common errors](errors.md#401)");
    PageEditions Error "page/editions"
        "The editions of a page show the same code and speak of the same headers."
        "What the contract does not say cannot be compared with it, but it can be compared between languages."
        Replace(LISTAR, "\"weight\": 4", "\"weight\": 5"),
        Replace(LISTAR, "\"weight\": 4", "\"weight\":   4");
    PageUnknown Note "page/unknown"
        "A page, or an endpoint of it, could not be compared."
        "The page names no endpoint and has no error table (said only where `complete-pages` is required), or it declares endpoints of which the contract knows nothing. It may be an overview, or about another API; it may be a page whose format is not understood."
        Add("openapi/reference/about.md", "# About things\n\nThey are everywhere.\n"),
        Add("openapi/reference/about.txt", "They are everywhere.\n");

    CompatOperationRemoved Error "compat/operation-removed"
        "Breaking: an operation is gone, or has another method or path."
        "Clients that call it are answered with 404 or 405. The name of a path's variable may change."
        Replace(CONTRACT, "  /things/{thing_id}/paint:\n", "  /things/{thing_id}/colour:\n"),
        Replace(CONTRACT, "description: Starts to paint a thing.", "description: Paints a thing.");
    CompatOperationRenamed Error "compat/operation-renamed"
        "Breaking: an operation has another id."
        "Generated clients name a method after it."
        Replace(CONTRACT, "operationId: paint_thing", "operationId: paint"),
        Replace(CONTRACT, "summary: Paint a thing", "summary: Paint the thing");
    CompatOperationAdded Note "compat/operation-added"
        "Harmless: an operation is new."
        "Nobody depends on it yet."
        Replace(CONTRACT, "    get:\n      operationId: list_things\n", "    head:\n      operationId: count_things\n      responses:\n        '200':\n          description: How many\n          content:\n            application/json:\n              schema: {$ref: '#/components/schemas/Message'}\n    get:\n      operationId: list_things\n"),
        Replace(CONTRACT, "    get:\n      operationId: list_things\n", "    get:\n      # the first\n      operationId: list_things\n");
    CompatServerRemoved Warning "compat/server-removed"
        "Needs care: a server's address is gone."
        "Clients call it. It is gone too where an operation has other servers, or a variable has other values."
        Replace(CONTRACT, "https://api.{region}.example.com", "https://{region}.example.com"),
        Replace(CONTRACT, "region: {default: eu}", "region: {default: eu, description: Where}");
    CompatParameterRequired Error "compat/parameter-required"
        "Breaking: a request needs a parameter that it did not need."
        "Clients do not send it."
        Replace(CONTRACT, "- name: kind\n          in: query\n", "- name: kind\n          in: query\n          required: true\n"),
        Replace(CONTRACT, "- name: kind\n          in: query\n", "- name: kind\n          in: query\n          required: false\n");
    CompatParameterAdded Note "compat/parameter-added"
        "Harmless: an operation takes a new optional parameter."
        "Clients that do not send it are served as before."
        Replace(CONTRACT, "      parameters:\n        - name: kind\n", "      parameters:\n        - {name: colour, in: query, schema: {type: string}}\n        - name: kind\n"),
        Replace(CONTRACT, "description: Only things of this kind.", "description: Things of this kind.");
    CompatParameterRemoved Warning "compat/parameter-removed"
        "Needs care: an operation no longer takes a parameter."
        "Clients that send it are served as if they did not."
        Replace(CONTRACT, "        - name: kind\n          in: query\n          description: Only things of this kind.\n          schema: {type: string}\n", ""),
        Replace(CONTRACT, "        - name: kind\n          in: query\n          description: Only things of this kind.\n          schema: {type: string}\n", "        - {in: query, name: kind, schema: {type: string}}\n");
    CompatParameterNarrowed Error "compat/parameter-narrowed"
        "Breaking: a parameter takes less than it did."
        "Values that were right are refused."
        Replace(CONTRACT, "minimum: 1, maximum: 100", "minimum: 1, maximum: 50"),
        Replace(CONTRACT, "minimum: 1, maximum: 100", "maximum: 100, minimum: 1");
    CompatParameterWidened Note "compat/parameter-widened"
        "Harmless: a parameter accepts more values than before."
        "Values that were right are still right."
        Replace(CONTRACT, "minimum: 1, maximum: 100", "minimum: 1, maximum: 500"),
        Replace(CONTRACT, "description: How many things to list.", "description: How many.");
    CompatParameterDefault Warning "compat/parameter-default"
        "Needs care: a parameter that is left out means something else."
        "Clients that never sent it are answered otherwise now."
        Replace(CONTRACT, "          description: Only things of this kind.\n          schema: {type: string}\n", "          description: Only things of this kind.\n          schema: {type: string, default: small}\n"),
        Replace(CONTRACT, "          description: Only things of this kind.\n          schema: {type: string}\n", "          description: Only things of this kind.\n          schema: {type: string, example: small}\n");
    CompatSuccessStatus Error "compat/success-status"
        "Breaking: a success has another status."
        "Clients take it for something undocumented."
        Replace(CONTRACT, "'202':\n          description: The painting has started", "'200':\n          description: The painting has started"),
        Replace(CONTRACT, "'202':\n          description: The painting has started", "'202':\n          description: It has started");
    CompatFieldRemoved Error "compat/field-removed"
        "Breaking: an answer has lost a field."
        "Clients read it."
        Replace(CONTRACT, "        maker: {type: string}\n", ""),
        Replace(CONTRACT, "        maker: {type: string}\n", "        maker: {type: string, description: Who made it}\n");
    CompatFieldAdded Note "compat/field-added"
        "Harmless: an answer has a new field."
        "Clients accept fields that they do not know."
        Replace(CONTRACT, "        maker: {type: string}\n", "        maker: {type: string}\n        owner: {type: string}\n"),
        Replace(CONTRACT, "        maker: {type: string}\n", "        maker: {\"type\": \"string\"}\n");
    CompatFieldType Error "compat/field-type"
        "Breaking: a field is something else than it was."
        "Clients read it as what it was."
        Replace(CONTRACT, "weight: {type: integer, minimum: 0}", "weight: {type: number, minimum: 0}"),
        Replace(CONTRACT, "weight: {type: integer, minimum: 0}", "weight: {minimum: 0, type: integer}");
    CompatFieldOptional Error "compat/field-optional"
        "Breaking: a field may be absent or null that was always there."
        "Clients rely on it."
        Replace(CONTRACT, "required: [thing_id, name, kind, weight, painted_at]", "required: [thing_id, name, weight, painted_at]"),
        Replace(CONTRACT, "required: [thing_id, name, kind, weight, painted_at]", "required: [name, kind, weight, painted_at, thing_id]");
    CompatFieldThere Note "compat/field-there"
        "Harmless: a field that was optional is always sent, or its bounds are tighter."
        "Clients that handle its absence keep working."
        Replace(CONTRACT, "required: [thing_id, name, kind, weight, painted_at]", "required: [thing_id, name, kind, weight, painted_at, maker]"),
        Replace(CONTRACT, "required: [thing_id, name, kind, weight, painted_at]", "required: ['thing_id', name, kind, weight, painted_at]");
    CompatValueAdded Error "compat/value-added"
        "Breaking: a field has a new value."
        "Clients that know the old values only cannot read an answer with another."
        Replace(CONTRACT, "enum: [small, large]", "enum: [small, large, huge]"),
        Replace(CONTRACT, "enum: [small, large]", "enum: [large, small]");
    CompatValueRemoved Note "compat/value-removed"
        "Harmless: a field no longer has a value."
        "Clients that handle it never receive it again."
        Replace(CONTRACT, "enum: [small, large]", "enum: [small]"),
        Replace(CONTRACT, "enum: [small, large]", "enum: ['small', 'large']");
    CompatHeaderRemoved Error "compat/header-removed"
        "Breaking: a success has lost a header."
        "Clients may read it."
        Replace(CONTRACT, "          headers:\n            Link: {$ref: '#/components/headers/Link'}\n", ""),
        Replace(CONTRACT, "            Link: {$ref: '#/components/headers/Link'}\n", "            link: {$ref: '#/components/headers/Link'}\n");
    CompatHeaderOptional Warning "compat/header-optional"
        "Needs care: a header may be absent that was always there."
        "Clients may rely on it."
        Replace(CONTRACT, "      description: Where the next page is.\n      required: true\n", "      description: Where the next page is.\n"),
        Replace(CONTRACT, "      description: Where the next page is.\n", "      description: The next page.\n");
    CompatHeaderAdded Note "compat/header-added"
        "Harmless: a success has a new header."
        "Clients that do not know it ignore it."
        Replace(CONTRACT, "            Link: {$ref: '#/components/headers/Link'}\n", "            Link: {$ref: '#/components/headers/Link'}\n            X-Count: {schema: {type: integer}}\n"),
        Replace(CONTRACT, "            Link: {$ref: '#/components/headers/Link'}\n", "            Link:\n              $ref: '#/components/headers/Link'\n");
    CompatErrorRemoved Warning "compat/error-removed"
        "Needs care: an error is no longer documented."
        "Make sure that it is never answered any more."
        Replace(CONTRACT, "                invalid_kind:\n                  summary: Use one of the kinds.\n                  value: {message: Invalid kind}\n", ""),
        Replace(CONTRACT, "summary: Use one of the kinds.", "summary: Use a kind.");
    CompatErrorAdded Warning "compat/error-added"
        "Needs care: a new error is documented."
        "Clients that know only the old errors treat it as undocumented."
        Replace(CONTRACT, "                wet_paint:\n", "                no_paint:\n                  summary: Buy some.\n                  value: {message: No paint}\n                wet_paint:\n"),
        Replace(CONTRACT, "summary: Wait until the paint is dry.", "summary: Wait.");
    CompatErrorMessage Error "compat/error-message"
        "Breaking: an error has another message."
        "Clients tell errors of one status apart by it."
        Replace(CONTRACT, "value: {message: Wet paint}", "value: {message: Paint is wet}"),
        Replace(CONTRACT, "value: {message: Wet paint}", "value: {message: \"Wet paint\"}");
    CompatErrorStatus Error "compat/error-status"
        "Breaking: an error has another status."
        "Clients decide by it."
        Replace(CONTRACT, "        '409':\n          description: In the way", "        '423':\n          description: In the way"),
        Replace(CONTRACT, "        '409':\n          description: In the way", "        '409':\n          description: Not now");
    CompatRateLimitStricter Error "compat/rate-limit-stricter"
        "Breaking: a rate limit is stricter."
        "Clients that stayed within the old one are refused with 429. Fewer requests at once are stricter too."
        Replace(CONTRACT, "{requests: 60, window_seconds: 60}", "{requests: 30, window_seconds: 30}"),
        Replace(CONTRACT, "{requests: 60, window_seconds: 60}", "{window_seconds: 60, requests: 60}");
    CompatRateLimitLooser Note "compat/rate-limit-looser"
        "Harmless: a rate limit is looser."
        "Nobody is refused who was not."
        Replace(CONTRACT, "{requests: 60, window_seconds: 60}", "{requests: 120, window_seconds: 60}"),
        Replace(CONTRACT, "{requests: 60, window_seconds: 60}", "{requests: 60, window_seconds: 60} # as ever");
    CompatPermission Error "compat/permission"
        "Breaking: an operation requires another permission."
        "Keys that have only the old one are refused with 403."
        Replace(CONTRACT, "x-required-permission: things.paint", "x-required-permission: things.write"),
        Replace(CONTRACT, "x-required-permission: things.paint", "x-required-permission: \"things.paint\"");
    CompatSecurity Error "compat/security"
        "Breaking: an operation demands other authentication."
        "Clients authenticate as they did."
        Replace(CONTRACT, "security:\n  - key: []", "security:\n  - token: []"),
        Replace(CONTRACT, "security:\n  - key: []", "security:\n  - {key: []}");
    CompatParameterStyle Error "compat/parameter-style"
        "Breaking: a parameter is written in another way."
        "Clients write it as they did: lists one by one or in one, as text or as JSON."
        Replace(ORDERS, "        - name: tags\n          in: query\n", "        - name: tags\n          in: query\n          explode: false\n"),
        Replace(ORDERS, "        - name: tags\n          in: query\n", "        - name: tags\n          in: query\n          explode: true\n");
    CompatBodyRequired Error "compat/body-required"
        "Breaking: a request needs a body that it did not need."
        "Clients send none."
        Replace(ORDERS, "      operationId: note_order\n      parameters:\n        - {name: order_id, in: path, required: true, schema: {type: string}}\n      requestBody:\n", "      operationId: note_order\n      parameters:\n        - {name: order_id, in: path, required: true, schema: {type: string}}\n      requestBody:\n        required: true\n"),
        Replace(ORDERS, "      operationId: note_order\n      parameters:\n        - {name: order_id, in: path, required: true, schema: {type: string}}\n      requestBody:\n", "      operationId: note_order\n      parameters:\n        - {name: order_id, in: path, required: true, schema: {type: string}}\n      requestBody:\n        required: false\n");
    CompatBodyRemoved Error "compat/body-removed"
        "Breaking: an operation no longer takes a body."
        "Clients send one, and what it says is lost."
        Replace(ORDERS, "      requestBody:\n        required: true\n        content:\n          application/json:\n            schema: {$ref: '#/components/schemas/NewOrder'}\n          application/xml:\n            schema: {$ref: '#/components/schemas/NewOrder'}\n", ""),
        Replace(ORDERS, "      requestBody:\n        required: true\n", "      requestBody:\n        description: What to order\n        required: true\n");
    CompatBodyFieldRequired Error "compat/body-field-required"
        "Breaking: a body needs a field that it did not need."
        "Clients leave it out."
        Replace(ORDERS, "required: [thing]", "required: [thing, count]"),
        Replace(ORDERS, "required: [thing]", "required: ['thing']");
    CompatBodyFieldRemoved Warning "compat/body-field-removed"
        "Needs care: a field of a body is no longer taken."
        "Clients that send it are served as if they did not. Where other fields are refused, it is `compat/body-narrowed`."
        Replace(ORDERS, "        gift: {type: boolean}\n", ""),
        Replace(ORDERS, "        gift: {type: boolean}\n", "        gift: {description: Wrap it, type: boolean}\n");
    CompatBodyNarrowed Error "compat/body-narrowed"
        "Breaking: a body takes less than it did."
        "Bodies that were right are refused: a type, a bound, a value, an alternative or a field."
        Replace(ORDERS, "maxLength: 40", "maxLength: 20"),
        Replace(ORDERS, "{type: string, maxLength: 40}", "{maxLength: 40, type: string}");
    CompatBodyWidened Note "compat/body-widened"
        "Harmless: a body accepts more values than before."
        "Bodies that were right are still right."
        Replace(ORDERS, "maxLength: 40", "maxLength: 80"),
        Replace(ORDERS, "{type: string, maxLength: 40}", "{type: string, maxLength: 40, description: Which}");
    CompatBodyDefault Warning "compat/body-default"
        "Needs care: a field of a body that is left out means something else."
        "Clients that never sent it mean something else now."
        Replace(ORDERS, "default: 1, minimum: 1", "default: 2, minimum: 1"),
        Replace(ORDERS, "default: 1, minimum: 1", "minimum: 1, default: 1.0");
    CompatMediaTypeRemoved Error "compat/media-type-removed"
        "Breaking: a body no longer comes in a form in which it came."
        "Clients send it in this form, or read it."
        Replace(ORDERS, "          application/xml:\n            schema: {$ref: '#/components/schemas/NewOrder'}\n", ""),
        Replace(ORDERS, "          application/xml:\n", "          application/xml; charset=utf-8:\n");
    CompatMediaTypeAdded Note "compat/media-type-added"
        "Harmless: a body comes in another form too."
        "Clients that do not know it do not ask for it."
        Replace(ORDERS, "          application/xml:\n", "          application/yaml:\n            schema: {$ref: '#/components/schemas/NewOrder'}\n          application/xml:\n"),
        Replace(ORDERS, "          application/xml:\n", "          'application/XML':\n");
    CompatEncoding Error "compat/encoding"
        "Breaking: a field of a form is written in another way."
        "Clients write it as they did."
        Replace(ORDERS, "contentType: 'image/png, image/jpeg'", "contentType: image/png"),
        Replace(ORDERS, "contentType: 'image/png, image/jpeg'", "contentType: 'image/jpeg, image/png'");
    CompatSuccessAdded Warning "compat/success-added"
        "Needs care: another success is documented."
        "Clients that know only the old ones treat it as undocumented."
        Replace(ORDERS, "        '201':\n", "        '202':\n          description: The order will be placed\n        '201':\n"),
        Replace(ORDERS, "        '201':\n", "        \"201\":\n");
    CompatFieldsOpen Warning "compat/fields-open"
        "Needs care: a body that is sent may have fields that nobody has described."
        "It had the described ones only. Clients that refuse others, or read all of them, meet more now."
        Replace(ORDERS, "      additionalProperties: false\n", ""),
        Replace(ORDERS, "      additionalProperties: false\n", "      additionalProperties: false # closed\n");
    CompatAlternativeAdded Error "compat/alternative-added"
        "Breaking: a body that is sent has a new alternative."
        "Clients that know the old ones only cannot read it."
        Replace(ORDERS, "        - $ref: '#/components/schemas/Card'\n", "        - {type: object, required: [voucher], properties: {voucher: {type: string}}}\n        - $ref: '#/components/schemas/Card'\n"),
        Replace(ORDERS, "        - $ref: '#/components/schemas/Card'\n        - $ref: '#/components/schemas/Invoice'\n", "        - $ref: '#/components/schemas/Invoice'\n        - $ref: '#/components/schemas/Card'\n");
    CompatDiscriminator Error "compat/discriminator"
        "Breaking: alternatives are told apart in another way."
        "Another field, or another value for the same alternative: clients take one for the other, or know none."
        Replace(ORDERS, "          card: '#/components/schemas/Card'\n", "          credit_card: '#/components/schemas/Card'\n"),
        Replace(ORDERS, "          card: '#/components/schemas/Card'\n          invoice: '#/components/schemas/Invoice'\n", "          invoice: '#/components/schemas/Invoice'\n          card: '#/components/schemas/Card'\n");
    CompatScopes Error "compat/scopes"
        "Breaking: an operation demands other scopes."
        "Tokens that have the old ones only are refused."
        Replace(ORDERS, "  - sign_in: [orders.read]\n", "  - sign_in: [orders.read, orders.write]\n"),
        Replace(ORDERS, "  - sign_in: [orders.read]\n", "  - sign_in: ['orders.read']\n");

    LiveAnswer Error "live/answer"
        "A live server answers as documented."
        "The request was made so that one documented answer follows, and another one came."
        Serve("answers a malformed `integration_id` with `404 Integration not found`"), Serve("answers it with `400 Invalid integration ID`");
    LiveUndocumented Error "live/undocumented"
        "A live server answers nothing that is not documented."
        "Neither the status nor the message is one of the operation's. Clients have no branch for it."
        Serve("answers `410 Gone`"), Serve("answers `404 Integration not found`");
    LiveStatus Error "live/status"
        "A live server sends an error with its status."
        "The message is the documented one, the status is not. Clients decide by the status first."
        Serve("answers `Integration not found` with the status 400"), Serve("answers it with 404");
    LiveMessage Error "live/message"
        "A live server sends an error with its message, to the letter."
        "The message tells errors of one status apart."
        Serve("answers `404 No such integration`"), Serve("answers `404 Integration not found`");
    LiveMediaType Error "live/media-type"
        "A live server says that its JSON is JSON, in UTF-8."
        "Clients read a body by its media type. `charset=utf-8` may be added."
        Serve("sends JSON as `text/html`, or with `charset=iso-8859-1`"), Serve("sends it as `application/json; charset=utf-8`");
    LiveBody Error "live/body"
        "A live server sends a JSON document where one is documented, and nothing where none is."
        "A page of HTML, an empty body or half a document is no error that a client can read."
        Serve("answers with a page of HTML and the right status"), Serve("answers with JSON that has other white space");
    LiveSchema Error "live/schema"
        "A live server's bodies fit their schemas."
        "A field is missing, null or of another type, a value is not in its list or has another form."
        Serve("sends `rows_synced` as a text"), Serve("sends the same fields in another order");
    LiveUndocumentedField Warning "live/undocumented-field"
        "A live server's successes have described fields only."
        "Clients must accept more, so this is no error; but nobody can know what it means. Errors may carry more fields."
        Serve("adds `owner` to an integration"), Serve("adds `request_id` to an error");
    LiveHeaderMissing Error "live/header-missing"
        "A live server sends the headers that are required."
        "Clients rely on what is documented as always there."
        Serve("answers 401 without `WWW-Authenticate`"), Serve("sends the name of a header in other letters");
    LiveHeaderValue Error "live/header-value"
        "A live server's headers fit their schemas."
        "A number is a number, and a value with one possibility has that one."
        Serve("sends `Retry-After: soon`"), Serve("sends headers that nobody has described");
    LiveNoAnswer Error "live/no-answer"
        "A live server answers, to the end and in time."
        "The connection was cut, the body was shorter than announced, or nothing came for too long."
        Serve("closes the connection in the middle of a body"), Serve("sends the body in chunks");
    LiveAuthentication Error "live/authentication"
        "A live server answers nobody without a valid key."
        "A success was given to a request without a key, or with one that is none."
        Serve("lists integrations for a request without a key"), Serve("answers it with 401");
    LivePermission Error "live/permission"
        "A live server refuses keys without the permission."
        "A success was given to a key that lacks the permission which the contract names."
        Serve("lists integrations for a key without permissions"), Serve("answers it with 403");
    LiveOrder Error "live/order"
        "A live server decides in the documented order: 401, 403, 429, 400, 404."
        "Whoever may not call must not learn from the answer what is there, nor whether a parameter is well-formed."
        Serve("answers a key without permission with 404 where the integration does not exist"), Serve("answers it with 403 for every integration");
    LiveLeak Error "live/leak"
        "Answers for another workspace's resources are the same as for resources that do not exist."
        "Status, message and headers must be the same, or IDs can be tried out."
        Serve("answers 403 for another workspace's integration"), Serve("answers 404 for it and for one that does not exist");
    LiveKeyEchoed Error "live/key-echoed"
        "A live server never repeats an API key."
        "Answers are logged and shown to people."
        Serve("answers `401` with the key in a field"), Serve("answers it with a request ID");
    LiveRateLimitCount Error "live/rate-limit-count"
        "`X-RateLimit-Remaining` decreases by one with each request."
        "It is 0 when a request is refused; `X-RateLimit-Limit` stays the same."
        Serve("always sends `X-RateLimit-Remaining: 19`"), Serve("starts again when a window begins");
    LiveRateLimitReset Error "live/rate-limit-reset"
        "`X-RateLimit-Reset` of a live server is the end of the window."
        "It is in Unix seconds, in the future, and no further away than a window is long, by the server's own clock."
        Serve("sends the seconds that are left"), Serve("sends the second in which the window ends");
    LiveRateLimitApplied Error "live/rate-limit-applied"
        "A live server applies its rate limit."
        "More requests than that were answered within one window."
        Serve("never refuses a request"), Serve("refuses the first request over the limit");
    LiveRateLimitOther Note "live/rate-limit-other"
        "A live server has another limit than the contract."
        "Workspaces can be given other limits; clients that count on the contract's may be refused."
        Serve("is configured for 10 requests a window"), Serve("has the contract's limit");
    LiveRetryAfter Error "live/retry-after"
        "After `Retry-After` of a live server the rate limit is lifted."
        "It agrees with `X-RateLimit-Reset`, and a request after that time is not refused."
        Serve("sends `Retry-After: 0` all the time"), Serve("rounds up to the next second");
    LiveServerError Error "live/server-error"
        "Nothing that is sent makes a live server answer 5xx."
        "Requests are made up from the contract, with odd values, methods, headers and bodies. A 5xx says that the server is at fault; what is wrong with the request belongs into a 4xx."
        Serve("answers 500 to `%00` in a parameter"), Serve("answers it with `400 Invalid integration ID`");
    LiveMethod Error "live/method"
        "A live server refuses methods that a path does not have, and says which it has."
        "With 405 and `Allow`, or with 404. A success, or an answer that names other methods, is documented nowhere. `OPTIONS` may have 200 or 204, and `HEAD` what GET has."
        Serve("answers 405 without `Allow`"), Serve("answers it with `Allow: GET, HEAD`");
    LiveConnection Error "live/connection"
        "A live server answers each request of a connection for itself."
        "Requests with and without a key are sent at once on one connection. Each has its own answer, in the order in which they were sent."
        Serve("takes the key of the first request for all that follow"), Serve("closes the connection after the first answer");
    LivePageLink Error "live/page-link"
        "`Link` of a live server leads to the neighbouring pages."
        "To pages of the same list and nowhere else, never in a circle; the first page has no `prev`."
        Serve("sends a `next` that leads to the same page"), Serve("sends addresses with or without the host");
    LivePageItems Error "live/page-items"
        "Every item of a live server's list stands on exactly one page."
        "Going to the end and back meets the same items, each once."
        Serve("repeats the last item of a page on the next"), Serve("has another number of items on the last page");
    LivePageOrder Error "live/page-order"
        "A live server's list has its documented order."
        "Across pages too: clients stop reading when they meet what they know."
        Serve("lists the oldest job first"), Serve("writes its times with `+00:00`");
    LivePageShort Warning "live/page-short"
        "A live server's pages are full where another follows."
        "A page that is not full looks like the last one, or hides an item."
        Serve("has 9 of 10 items on a page with a `next`"), Serve("has 3 items on the last page");

    CoverageNotCompared Error "coverage/not-compared"
        "Every operation takes part in every comparison."
        "What could not be compared may have drifted: the finding says which comparison, and why. `--coverage` lists them all. Put right what stands in the way, or allow it."
        Replace(CONTRACT, "schema: {$ref: '#/components/schemas/Message'}", "schema: {$ref: 'messages.yaml#/Message'}"),
        Replace(CONTRACT, "schema: {$ref: '#/components/schemas/Message'}", "schema: {'$ref': '#/components/schemas/Message'}");
    AllowUnused Error "allow/unused"
        "Every allowance in the settings still allows something."
        "What it allowed was put right: the allowance would hide the next finding there."
        Replace(SETTINGS, "[project]\n", "[[allow]]\nrule = \"page/error-extra\"\nfile = \"openapi/reference/paint-thing.md\"\nreason = \"soon\"\n\n[project]\n"),
        Replace(SETTINGS, "[project]\n", "# no allowances\n[project]\n");
}
