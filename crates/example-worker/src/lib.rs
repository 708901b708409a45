//! The worker tier: payments that wait in a queue, and tasks that work on them. An example of a tier that a program of its
//! own adds to the payment stack; `docs/adding-a-tier.md` walks through it.
//!
//! There are two queues. A message that is received too often without being deleted moves from the first to the second, the
//! dead letter queue, where somebody looks at it. With an image, there is also an ECS service in the application's cluster,
//! whose tasks read the queue: they find its URL in `QUEUE_URL`. Without one, there are only the queues, so that what sends
//! messages can be deployed first.
//!
//! ```
//! use engine::{Component, Scope};
//! use stack::{Shared, Tier};
//!
//! # let place = aws::Place {
//! #     region: "ap-southeast-1".to_owned(),
//! #     account_id: "123456789012".to_owned(),
//! #     partition: "aws".to_owned(),
//! # };
//! let inputs = worker::Inputs {
//!     place,
//!     vpc_id: aws::VpcId::from("vpc-0a1b2c3d4e5f60718").into(),
//!     private_subnet_ids: vec![aws::SubnetId::from("subnet-0a1b2c3d4e5f60718").into()],
//!     cluster_arn: ecs::ClusterArn::from("arn:aws:ecs:ap-southeast-1:123456789012:cluster/payment-cluster-dev").into(),
//!     repository_name: ecs::RepositoryName::from("payment-app-dev").into(),
//!     architecture: ecs::Architecture::Arm64,
//!     ready: Vec::new(),
//! };
//! let mut scope = Scope::new();
//! let tier = worker::Tier::in_environment(worker::Args::default(), &Shared::new("dev"));
//! let outputs = tier.declare_in(&mut scope, &inputs)?;
//! assert_eq!(outputs.worker_service_name, None); // There is no image.
//! # Ok::<(), engine::DeclareError>(())
//! ```

mod args;
mod checks;
mod declare;
mod inputs;

pub use args::Args;
pub use checks::checks;
pub use declare::Outputs;
pub use declare::Tier;
pub use inputs::Inputs;
