//! The one table of rules: what `cargo xtask check` can find. Names never change once released.

use crate::finding::Severity;

/// What people read about a rule.
#[derive(Debug)]
pub struct RuleInfo {
    /// `family/kebab-case`.
    pub name: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it means, in one line.
    pub summary: &'static str,
}

macro_rules! rules {
    ($($variant:ident $severity:ident $name:literal $summary:literal)*) => {
        /// A rule of the check.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule { $(#[doc = $summary] $variant,)* }

        impl Rule {
            /// All rules, in the order of their families.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant,)*];

            /// What people read about it.
            pub fn info(self) -> &'static RuleInfo {
                match self {
                    $(Rule::$variant => &RuleInfo { name: $name, severity: Severity::$severity, summary: $summary },)*
                }
            }
        }
    };
}

rules! {
    ContractParses Error "contract/parses" "The contract is a well-formed OpenAPI 3.0 document."
    ContractRefResolves Error "contract/ref-resolves" "Every `$ref` leads to something in the same file."
    ContractSubset Error "contract/subset" "The contract stays inside what the generator can turn into code."
    ContractOperationId Error "contract/operation-id" "Every operation has an id of its own."
    ContractError Error "contract/error" "Every documented error has a name, a message and a summary, and no operation documents one message twice."
    ContractPermission Error "contract/permission" "Every operation names the permission it requires and its rate limit."
    ContractRole Error "contract/role" "The errors that the server itself must answer with are documented."
    ServerStale Error "server/stale" "The generated server code is what the contract generates."
    ServerEmits Error "server/emits" "What the server says of itself agrees with the contract."
    ClientStale Error "client/stale" "The generated client code is what the contract generates."
    PageMissing Error "page/missing" "Every operation has a page in every language."
    PageEndpoint Error "page/endpoint" "A page names its operation's method and path."
    PagePermission Error "page/permission" "A page names its operation's permission."
    PageRateLimit Error "page/rate-limit" "A page names its operation's rate limit."
    PageUnknownRateLimit Note "page/unknown-rate-limit" "A page takes its rate limit from somewhere else, where it cannot be looked at."
    PageErrorMissing Error "page/error-missing" "An error that the contract documents stands in the page's error table."
    PageErrorExtra Error "page/error-extra" "An error in the page's error table is one that the contract documents."
    PageErrorMessage Error "page/error-message" "An error row's message is the contract's, to the letter."
    PageErrorStatus Error "page/error-status" "An error row's status is the contract's."
    PageErrorDuplicate Error "page/error-duplicate" "An error stands once in a page's error table."
}
