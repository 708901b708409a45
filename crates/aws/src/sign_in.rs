//! Credentials, obtained once before the first call, so that a lack of them is said soon and in one sentence.

use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::imds::client::error::ImdsError;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};

/// How long it may take to obtain credentials. A `credential_process` may ask for a second factor; the lookup at the
/// instance metadata service, which comes last, gives up after a second by itself.
const WITHIN: Duration = Duration::from_secs(60);

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// Nothing says where credentials come from.
    #[error("no AWS credentials found")]
    NotFound,
    /// What should give credentials failed: an expired session, a process that fails, a profile that makes no sense.
    #[error("cannot load AWS credentials: {reason}")]
    Failed {
        /// The causes, outermost first, in one line.
        reason: String,
    },
    /// What should give credentials does not answer.
    #[error("cannot load AWS credentials: no answer from their source within {} s", WITHIN.as_secs())]
    TimedOut,
}

/// Obtains credentials as `config` says. In the configuration that is returned, the first call uses these, so nobody is
/// asked for a second factor twice.
///
/// # Errors
/// Where there are no credentials.
pub async fn sign_in(config: &SdkConfig) -> Result<SdkConfig, SignInError> {
    let provider = config.credentials_provider().ok_or(SignInError::NotFound)?;
    let credentials = match tokio::time::timeout(WITHIN, provider.provide_credentials()).await {
        Ok(Ok(credentials)) => credentials,
        Ok(Err(CredentialsError::CredentialsNotLoaded(_))) => return Err(SignInError::NotFound),
        // The instance metadata service comes last, and most machines have none: nothing before it gave credentials.
        Ok(Err(error)) if is_of_metadata_service(&error) => return Err(SignInError::NotFound),
        Ok(Err(error)) => return Err(SignInError::Failed { reason: causes(&error) }),
        Err(_) => return Err(SignInError::TimedOut),
    };
    let provider = Obtained { first: Mutex::new(Some(credentials)), provider };
    Ok(config.to_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build())
}

fn is_of_metadata_service(error: &CredentialsError) -> bool {
    std::iter::successors(error.source(), |&cause| cause.source()).any(|cause| cause.is::<ImdsError>())
}

/// What led to an error, without the error itself, which only says that something failed.
fn causes(error: &CredentialsError) -> String {
    let mut causes = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    if causes.is_empty() {
        causes.push(error.to_string());
    }
    // A message that ends with its cause needs no cause.
    let said = |at: usize| at > 0 && causes[at - 1].ends_with(&causes[at]);
    let causes: Vec<&str> = (0..causes.len()).filter(|&at| !said(at)).map(|at| causes[at].as_str()).collect();
    // What a process wrote on its standard error may have many lines.
    causes.join(": ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Gives the credentials that were obtained already once, and after that what the provider gives.
struct Obtained {
    first: Mutex<Option<Credentials>>,
    provider: SharedCredentialsProvider,
}

impl ProvideCredentials for Obtained {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        // It is taken in one step, so a panic elsewhere leaves it whole.
        match self.first.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(credentials) => future::ProvideCredentials::ready(Ok(credentials)),
            None => self.provider.provide_credentials(),
        }
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.provider.fallback_on_interrupt()
    }
}

impl std::fmt::Debug for Obtained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Credentials stay out.
        f.debug_struct("Obtained").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_credential_types::credential_fn::provide_credentials_fn;

    use super::*;

    fn config(
        provide: impl Fn() -> Result<Credentials, CredentialsError> + Send + Sync + 'static,
    ) -> SdkConfig {
        let provide = Arc::new(provide);
        let provider = provide_credentials_fn(move || std::future::ready(provide()));
        SdkConfig::builder().credentials_provider(SharedCredentialsProvider::new(provider)).build()
    }

    #[tokio::test]
    async fn credentials_are_obtained_once_for_the_check_and_the_first_call() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let config = config(move || {
            let number = count.fetch_add(1, Ordering::Relaxed);
            Ok(Credentials::new(format!("key-{number}"), "secret", None, None, "test"))
        });
        let provider = sign_in(&config).await.unwrap().credentials_provider().unwrap();
        for key in ["key-0", "key-1"] {
            assert_eq!(provider.provide_credentials().await.unwrap().access_key_id(), key);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        assert!(!format!("{provider:?}").contains("secret"));
    }

    #[tokio::test]
    async fn a_lack_of_credentials_is_one_sentence() {
        let none = config(|| Err(CredentialsError::not_loaded("no providers")));
        assert_eq!(sign_in(&none).await.unwrap_err().to_string(), "no AWS credentials found");
        let none = SdkConfig::builder().build();
        assert_eq!(sign_in(&none).await.unwrap_err().to_string(), "no AWS credentials found");
        let failed = config(|| Err(CredentialsError::provider_error("the process failed:\n  no network\n")));
        assert_eq!(
            sign_in(&failed).await.unwrap_err().to_string(),
            "cannot load AWS credentials: the process failed: no network"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_of_credentials_that_never_answers_is_given_up() {
        let provider = provide_credentials_fn(std::future::pending);
        let config =
            SdkConfig::builder().credentials_provider(SharedCredentialsProvider::new(provider)).build();
        assert_eq!(
            sign_in(&config).await.unwrap_err().to_string(),
            "cannot load AWS credentials: no answer from their source within 60 s"
        );
    }
}
