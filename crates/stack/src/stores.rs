//! Where the state of an environment is kept.

use std::sync::Arc;

use engine::{Engine, File, LocalStore, Registry, Store};
use s3_store::{Location, S3Error, S3Store, Unfit};

use crate::account;
use crate::cli::Target;
use crate::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::output::note;
use crate::run::Work;
use crate::state_args::Backend;
use crate::target;

/// The store of an environment.
#[derive(Clone, Debug)]
pub(crate) enum Kept {
    /// In the state directory.
    Local(LocalStore),
    /// In a bucket.
    S3(S3Store),
}

impl Kept {
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Kept::Local(store) => Arc::new(store.clone()),
            Kept::S3(store) => Arc::new(store.clone()),
        }
    }
}

impl Work {
    /// Where the state of this environment is kept. In S3, it needs credentials.
    pub(crate) async fn kept(&self) -> Result<&Kept, Failure> {
        self.kept.get_or_try_init(|| self.open_kept()).await
    }

    pub(crate) async fn store(&self) -> Result<Arc<dyn Store>, Failure> {
        Ok(self.kept().await?.store())
    }

    /// The store in the state directory.
    pub(crate) fn local_store(&self) -> LocalStore {
        let target = self.options.state_dir.join(self.options.target.name());
        LocalStore::new(target.join(self.environment.as_str()))
    }

    async fn open_kept(&self) -> Result<Kept, Failure> {
        let local = self.local_store();
        match (self.loaded.config.state.backend, self.options.target) {
            (Backend::Local, _) => Ok(Kept::Local(local)),
            (Backend::S3, Target::Embedded) => {
                note(
                    "the embedded AWS keeps its state in the state directory; state.backend = \"s3\" is for --target aws",
                );
                Ok(Kept::Local(local))
            }
            (Backend::S3, Target::Aws) => {
                let store = self.s3_store(Some(&self.environment)).await?;
                Ok(Kept::S3(store.with_mark_of(local)))
            }
        }
    }

    /// The store of an environment in the configured bucket, or of what all environments have in common.
    pub(crate) async fn s3_store(&self, environment: Option<&Environment>) -> Result<S3Store, Failure> {
        let config = &self.loaded.config;
        let state = &config.state;
        let bucket = state.bucket.clone().ok_or_else(|| {
            Failure::new(Exit::Configuration, "no bucket for the state is configured").hint(
                "set `state.bucket` and `state.backend = \"s3\"` in the configuration; `stack bootstrap` makes the bucket",
            )
        })?;
        let sdk = account::of_state(config, &self.environment).await;
        let sdk = target::signed_in(&sdk)
            .await
            .map_err(|failure| failure.context("cannot open the state in S3"))?;
        let account_id = match &state.account_id {
            Some(account) => account.clone(),
            None => target::account(&sdk).await?.id,
        };
        let base = state.prefix.as_ref().unwrap_or(&config.project);
        let prefix = match environment {
            Some(environment) => format!("{base}/{environment}"),
            None => base.clone(),
        };
        let location =
            Location { bucket, prefix, account_id: Some(account_id), kms_key_arn: state.kms_key_arn.clone() };
        Ok(S3Store::new(&sdk, location))
    }

    /// Whether what is kept here can be relied on, before something is. A new place is tried out first.
    pub(crate) async fn check_store(&self) -> Result<(), Failure> {
        let Kept::S3(store) = self.kept().await? else { return Ok(()) };
        let fit = async {
            store.check().await?;
            match store.read(File::Journal).await {
                Ok(None) => store.probe().await,
                // What is wrong with it is said by whoever needs it.
                _ => Ok(()),
            }
        };
        fit.await.map_err(|error: Unfit| unfit(&error))
    }

    /// The environments that a state is recorded for, where the target keeps them.
    pub(crate) async fn recorded_environments(&self) -> Result<Vec<Environment>, Failure> {
        let names = match self.kept().await? {
            Kept::Local(_) => {
                let states = self.options.state_dir.join(self.options.target.name());
                let entries = std::fs::read_dir(states).into_iter().flatten().flatten();
                let named = entries.filter(|entry| entry.path().is_dir());
                named.filter_map(|entry| entry.file_name().into_string().ok()).collect()
            }
            Kept::S3(_) => {
                let all = self.s3_store(None).await?.environments().await;
                all.map_err(|error| unfit(&Unfit::Call(error)))?
            }
        };
        let mut environments: Vec<Environment> = names.iter().filter_map(|name| name.parse().ok()).collect();
        environments.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        Ok(environments)
    }

    /// An engine that knows no kind and calls nothing, on what is recorded.
    pub(crate) async fn records(&self) -> Result<Engine, Failure> {
        Ok(Engine::new(Arc::new(Registry::new(())), self.store().await?))
    }
}

/// A bucket that cannot keep the state.
pub(crate) fn unfit(error: &Unfit) -> Failure {
    let exit = match error {
        Unfit::Call(error) => exit_of(error),
        _ => Exit::Configuration,
    };
    Failure::from_error(exit, error).context("the state cannot be kept in S3").hint(error.hint())
}

/// Whether a call to the bucket failed for what is configured.
pub(crate) fn exit_of(error: &S3Error) -> Exit {
    let code = error.call.code.as_deref().unwrap_or_default();
    match code {
        "NoSuchBucket"
        | "PermanentRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => Exit::Configuration,
        _ => Exit::Failed,
    }
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
