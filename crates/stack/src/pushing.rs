//! What a person gives as an image, and how it gets into the environment's repository.

use ecs::operations;
use engine::visible;

use crate::codes::Code;
use crate::deploy::{Names, called};
use crate::exit::{Exit, Failure};
use crate::run::Work;
use crate::signals::Signals;

/// What is to be deployed.
pub(crate) enum ImageSource {
    /// What is in the repository already: `:tag` or `@digest`.
    InRepository(String),
}

impl Work {
    /// Finds out what is meant, and whether it can be deployed, before anything is called.
    pub(crate) async fn image_source(&self, text: &str) -> Result<ImageSource, Failure> {
        if text.starts_with([':', '@']) {
            return Ok(ImageSource::InRepository(text.to_owned()));
        }
        Err(Failure::new(Exit::Usage, format!("`{}` is no image", visible(text))))
    }

    /// Has the image in the environment's repository: its digest there. `None` if it was interrupted.
    pub(crate) async fn in_repository(
        &self,
        source: ImageSource,
        signals: &Signals,
    ) -> Result<Option<String>, Failure> {
        let Names { repository, .. } = self.names(&self.recorded().await?)?;
        let Some(cloud) = signals.unless(self.connect()).await else { return Ok(None) };
        let cloud = cloud?;
        match source {
            ImageSource::InRepository(reference) => {
                let Some(found) =
                    signals.unless(operations::digest_of(&cloud.context, &repository, &reference)).await
                else {
                    return Ok(None);
                };
                found.map_err(called)?.map(Some).ok_or_else(|| {
                    let message = format!("there is no image `{}` in the repository {repository}", visible(&reference));
                    Failure::new(Exit::Configuration, message)
                        .coded(Code::Image)
                        .hint("name an image that is there, or a file or directory that has it; nothing was changed")
                })
            }
        }
    }
}
