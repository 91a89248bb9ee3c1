//! Whom the program of [`crate::round_trip()`] lets in.

use proc_macro2::TokenStream;
use quote::quote;

/// A gate that demands the credentials of each operation with one secret, whatever their scheme; without a secret, it lets
/// everybody in.
pub fn gate() -> TokenStream {
    quote! {
        /// Lets in who presents this secret, in whatever way the operation wants it; everybody if there is none.
        struct OneSecret(Option<String>);

        impl OneSecret {
            fn is_right(&self, credential: &server::Credential) -> bool {
                match (&credential.secret, &self.0) {
                    (_, None) | (server::Presented::Certificate, _) => true,
                    (server::Presented::Token(token), Some(secret)) => token == secret,
                    (server::Presented::UserAndPassword(user, password), Some(secret)) => {
                        format!("{user}:{password}") == *secret
                    }
                }
            }
        }

        impl server::Gate for OneSecret {
            type Caller = ();

            async fn authenticate(&self, credentials: &server::Credentials<'_>) -> Result<Option<()>, server::GateFailure> {
                let presented = credentials.presented();
                let is_let_in = self.0.is_none()
                    || presented.iter().any(|alternative| alternative.iter().all(|one| self.is_right(one)));
                Ok(is_let_in.then_some(()))
            }
        }
    }
}
