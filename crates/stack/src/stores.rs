//! Where the state of an environment is kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_config::SdkConfig;
use engine::{Engine, EngineError, LocalStore, Registry, Store, inspect};
use s3_store::{Location, S3Error, S3Store, Unfit};

use crate::account;
use crate::advice::code_of_call;
use crate::cli::Target;
use crate::codes::Code;
use crate::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::failures::engine_failure;
use crate::moved::Kept;
use crate::moves::store_failure;
use crate::output::note;
use crate::run::Work;
use crate::state_args::Backend;
use crate::target;

/// The bucket that is configured, with the credentials for it.
pub(crate) struct StateIn {
    pub(crate) sdk: SdkConfig,
    pub(crate) bucket: String,
    /// What the keys of all environments begin with.
    pub(crate) prefix: String,
    /// The account that it must belong to.
    account_id: String,
    kms_key_arn: Option<String>,
}

impl StateIn {
    /// The store of an environment, or of what all environments have in common.
    pub(crate) fn store(&self, environment: Option<&Environment>) -> S3Store {
        let prefix = match environment {
            Some(environment) => format!("{}/{environment}", self.prefix),
            None => self.prefix.clone(),
        };
        let location = Location {
            bucket: self.bucket.clone(),
            prefix,
            account_id: Some(self.account_id.clone()),
            kms_key_arn: self.kms_key_arn.clone(),
        };
        S3Store::new(&self.sdk, location)
    }
}

/// Every place where states of this target are kept.
pub(crate) enum Places {
    Local,
    S3(Box<StateIn>),
}

impl Work {
    /// Where the state of this environment is kept. In S3, it needs credentials.
    pub(crate) async fn kept(&self) -> Result<&Kept, Failure> {
        self.kept.get_or_try_init(|| self.open_kept()).await
    }

    pub(crate) async fn store(&self) -> Result<Arc<dyn Store>, Failure> {
        Ok(self.kept().await?.store())
    }

    /// The state directory of an environment.
    pub(crate) fn local(&self, environment: &Environment) -> PathBuf {
        self.options.state_dir.join(self.options.target.name()).join(environment.as_str())
    }

    /// Where states are kept, as it is configured.
    pub(crate) async fn places(&self) -> Result<Places, Failure> {
        match (self.loaded.config.state.backend, self.options.target) {
            (Backend::S3, Target::Aws) => Ok(Places::S3(Box::new(self.state_in().await?))),
            _ => Ok(Places::Local),
        }
    }

    /// The store of one of the environments.
    pub(crate) fn kept_at(&self, places: &Places, environment: &Environment) -> Kept {
        let local = self.local(environment);
        match places {
            Places::Local => Kept::local(local),
            Places::S3(bucket) => {
                Kept::S3(bucket.store(Some(environment)).with_mark_of(LocalStore::new(local)))
            }
        }
    }

    async fn open_kept(&self) -> Result<Kept, Failure> {
        if self.loaded.config.state.backend == Backend::S3 && self.options.target == Target::Embedded {
            note(
                "the embedded AWS keeps its state in the state directory; state.backend = \"s3\" is for --target aws",
            );
        }
        let kept = self.kept_at(&self.places().await?, &self.environment);
        if let Kept::S3(_) = kept {
            self.check_nothing_is_left_here(&kept).await?;
        }
        Ok(kept)
    }

    /// Whether the state directory has a state of this environment that was not moved: a run with the state in S3 would begin
    /// another one beside it.
    async fn check_nothing_is_left_here(&self, kept: &Kept) -> Result<(), Failure> {
        let directory = self.local(&self.environment);
        if !directory.exists() {
            return Ok(());
        }
        let here = Kept::local(directory.clone());
        let failure = |error| engine_failure(EngineError::Journal(error));
        let Some(inspected) = inspect(&*here.files()).await.map_err(failure)? else { return Ok(()) };
        let is_old = here.moved().await.map_err(store_failure)?.is_some();
        if inspected.state.is_empty() || is_old || kept.moved().await.map_err(store_failure)?.is_some() {
            return Ok(());
        }
        let count = inspected.state.objects().count();
        let message = format!(
            "{} has a state of environment {} with {count} resources, and the configuration says that states are kept in S3",
            directory.display(),
            self.environment
        );
        Err(Failure::new(Exit::Configuration, message).coded(Code::StateElsewhere).hint(format!(
            "move it there: {}; or go on with it here: leave out `backend = \"s3\"`",
            self.command("state push")
        )))
    }

    /// The configured bucket, with credentials that are there.
    pub(crate) async fn state_in(&self) -> Result<StateIn, Failure> {
        let config = &self.loaded.config;
        let state = &config.state;
        let bucket = state.bucket.clone().ok_or_else(|| self.no_bucket())?;
        let sdk = account::of_state(config, &self.environment).await?;
        let sdk = target::signed_in(&sdk)
            .await
            .map_err(|failure| failure.context("cannot open the state in S3"))?;
        let account_id = match &state.account_id {
            Some(account) => account.clone(),
            None => target::account(&sdk).await?.id,
        };
        let prefix = state.prefix.as_ref().unwrap_or(&config.project).clone();
        Ok(StateIn { sdk, bucket, prefix, account_id, kms_key_arn: state.kms_key_arn.clone() })
    }

    /// That no bucket is configured, and which lines would do it.
    fn no_bucket(&self) -> Failure {
        let config = &self.loaded.config;
        let region = config.state_region();
        let account = config.state.account_id.as_deref().unwrap_or("ACCOUNT");
        Failure::new(Exit::Configuration, "no bucket for the state is configured").hint(format!(
            "write this line below [state] in the configuration: `bucket = \"{}-state-{account}-{region}\"` (the name is your choice; \
             with the number of your account in it, nobody else has it). Then run {}",
            config.project,
            self.command("bootstrap")
        ))
    }

    /// Whether what is kept here can be relied on, before something is. A new place is tried out first.
    pub(crate) async fn check_store(&self) -> Result<(), Failure> {
        let Kept::S3(store) = self.kept().await? else { return Ok(()) };
        let fit = async {
            store.check().await?;
            match store.is_new().await {
                Ok(true) => store.probe().await,
                // What is wrong with it is said by whoever needs it.
                _ => Ok(()),
            }
        };
        fit.await.map_err(|error: Unfit| unfit(&error))
    }

    /// The environments that a state is recorded for, where the target keeps them.
    pub(crate) async fn recorded_environments(&self) -> Result<Vec<Environment>, Failure> {
        self.environments_at(&self.places().await?).await
    }

    pub(crate) async fn environments_at(&self, places: &Places) -> Result<Vec<Environment>, Failure> {
        let names = match places {
            Places::Local => {
                return Ok(local_environments(&self.options.state_dir, self.options.target));
            }
            Places::S3(bucket) => {
                let all = bucket.store(None).environments().await;
                all.map_err(|error| unfit(&Unfit::Call(error)))?
            }
        };
        Ok(sorted(names))
    }

    /// An engine that knows no kind and calls nothing, on what is recorded.
    pub(crate) async fn records(&self) -> Result<Engine, Failure> {
        Ok(Engine::new(Arc::new(Registry::new(())), self.store().await?))
    }
}

/// The environments that a state directory has a directory for; none where it cannot be read.
pub(crate) fn local_environments(state_dir: &Path, target: Target) -> Vec<Environment> {
    let entries = std::fs::read_dir(state_dir.join(target.name())).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.path().is_dir());
    sorted(named.filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// Those of the names that an environment can have.
fn sorted(names: Vec<String>) -> Vec<Environment> {
    let mut environments: Vec<Environment> = names.iter().filter_map(|name| name.parse().ok()).collect();
    environments.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    environments
}

/// A bucket that cannot keep the state.
pub(crate) fn unfit(error: &Unfit) -> Failure {
    let exit = match error {
        Unfit::Call(error) => exit_of(error),
        _ => Exit::Configuration,
    };
    let code = match error {
        Unfit::Call(error) => code_of_s3(error),
        _ => Code::StateStore,
    };
    Failure::from_error(exit, error).context("the state cannot be kept in S3").hint(error.hint()).coded(code)
}

/// Whether a call to the bucket failed for what is configured.
pub(crate) fn exit_of(error: &S3Error) -> Exit {
    match error.code() {
        "NoSuchBucket"
        | "PermanentRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => Exit::Configuration,
        _ => Exit::Failed,
    }
}

/// What kind of error a failed call to the bucket is. The bucket itself is wrong where it is missing, in another region or
/// account, or has a key that cannot be used; and a store that is not S3 may lack what the state needs.
pub(crate) fn code_of_s3(error: &S3Error) -> Code {
    let is_of_bucket = exit_of(error) == Exit::Configuration
        || error.not_of.is_some()
        || error.code().starts_with("KMS.")
        || error.code() == "NotImplemented";
    if is_of_bucket { Code::StateStore } else { code_of_call(&error.call) }
}

/// What a run is for, as it is shown to whoever finds the lock taken: the command, and where CI shows the run.
pub(crate) fn purpose(command: &str) -> String {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let github = || {
        let (server, repository) = (variable("GITHUB_SERVER_URL")?, variable("GITHUB_REPOSITORY")?);
        Some(format!("{server}/{repository}/actions/runs/{}", variable("GITHUB_RUN_ID")?))
    };
    // GitLab, Buildkite, CircleCI, Jenkins.
    let others = ["CI_JOB_URL", "BUILDKITE_BUILD_URL", "CIRCLE_BUILD_URL", "BUILD_URL"];
    match github().or_else(|| others.into_iter().find_map(variable)) {
        Some(job) => format!("{command}, {job}"),
        None => command.to_owned(),
    }
}
