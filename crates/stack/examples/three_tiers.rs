//! Three tiers composed by their typed outputs: a network, a database in it, and a load balancer in it.
//!
//! ```sh
//! cargo run -p stack --example three_tiers
//! ```
//!
//! Nobody writes down an order. The outputs of one tier are the inputs of another, the references in them are the graph, and
//! so the tiers interleave: the database cluster is begun as soon as its own subnets are there, while NAT gateways of the
//! network are still being made. To show that, it runs at AWS's own pace, on an AWS inside the process and in virtual time:
//! minutes pass in seconds.

use std::error::Error;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws::{Context, Identity, Place, Registry};
use emulator::Emulator;
use engine::{
    Component, DeclareError, Declared, Engine, Graph, MemoryStore, Observer, Progress, Scope, Selector,
    TestHost,
};
use tokio::time::Instant;

#[tokio::main(flavor = "current_thread", start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "an example prints, and has nothing from outside to escape")]
async fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout()).await
}

/// What composing comes to: each tier is declared into one scope, with the outputs of those before it.
///
/// The compiler checks the wiring. `vpc_id: network.database_subnet_ids[0].clone()` does not compile: a `SubnetId` is no
/// `VpcId`. Neither does an output that a tier does not have, nor one that is handed on as if its value were known already.
fn compose(
    scope: &mut Scope,
    place: &Place,
    zones: Vec<String>,
) -> Result<alb::Outputs<Declared>, DeclareError> {
    let network = vpc::Tier::new(vpc::Args::default()).declare_in(
        scope,
        &vpc::Inputs { place: place.clone(), availability_zones: zones, recorded: vpc::Recorded::default() },
    )?;
    let load_balancer = alb::Tier::new(alb::Args::default()).declare_in(
        scope,
        &alb::Inputs {
            place: place.clone(),
            vpc_id: network.vpc_id.clone(),
            vpc_cidr: network.vpc_cidr,
            public_subnet_ids: network.public_subnet_ids,
            private_subnet_ids: network.private_subnet_ids,
            client_security_group_ids: Vec::new(),
            api_requests: None,
        },
    )?;
    // The data may go when the example ends. Otherwise the plan to delete it would be refused.
    let allow_data_loss = vec!["payment-aurora-dev".to_owned()];
    database::Tier::new(database::Args { allow_data_loss, ..database::Args::default() }).declare_in(
        scope,
        &database::Inputs {
            place: place.clone(),
            vpc_id: network.vpc_id,
            subnet_ids: network.database_subnet_ids,
            availability_zones: network.availability_zones,
            recorded: database::Recorded::default(),
            // Whatever is behind the load balancer may talk to the database; here, the load balancer itself.
            client_security_group_ids: vec![load_balancer.alb_security_group_id.clone()],
        },
    )?;
    Ok(load_balancer)
}

/// When each resource was begun and done.
struct Diary {
    start: Instant,
    lines: Mutex<Vec<(Duration, String)>>,
}

impl Observer for Diary {
    fn observe(&self, progress: &Progress) {
        let line = match progress {
            Progress::Started { address, .. } => format!("{address} begins"),
            Progress::Done { address, .. } => format!("{address} is ready"),
            _ => return,
        };
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push((self.start.elapsed(), line));
    }
}

impl Diary {
    /// What is worth telling: the long ones of each tier.
    fn tell(&self, out: &mut impl Write) -> std::io::Result<()> {
        let told = ["vpc/vpc", "vpc/nat-a", "database/cluster", "database/instance-1", "alb/load-balancer"];
        for (at, line) in self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if told.iter().any(|address| line.starts_with(&format!("{address} "))) {
                writeln!(out, "{:>4} s  {line}", at.as_secs())?;
            }
        }
        Ok(())
    }
}

/// The whole life of the three tiers, told to `out`.
pub(crate) async fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::builder().latency(1.0).throttling(true).in_memory();
    let config = stack::embedded(&emulator, aws_config::Region::new("ap-southeast-1"));
    let identity = Identity { project: "payment".to_owned(), environment: "dev".to_owned() };
    let cx = Context::connect(&config, identity).await?;
    let place = Place {
        region: cx.region().to_owned(),
        account_id: cx.account_id().to_owned(),
        partition: cx.partition().to_owned(),
    };
    let zones = aws::zones(&cx).await?;
    let mut registry = Registry::new(cx);
    aws::kinds(&mut registry);
    vpc::kinds(&mut registry);
    alb::kinds(&mut registry);
    database::kinds(&mut registry);

    let start = Instant::now();
    let diary = Arc::new(Diary { start, lines: Mutex::default() });
    let engine = Engine::new(Arc::new(registry), Arc::new(MemoryStore::new()))
        .with_observer(Arc::<Diary>::clone(&diary))
        // A clock that follows tokio's, for virtual time. Without this line it is the system's.
        .with_host(Arc::new(TestHost::new("example", 1, start)));

    // One graph, applied once.
    let mut scope = Scope::new();
    let outputs = compose(&mut scope, &place, zones)?;
    let session = engine.open().await?;
    let plan = session.plan(Arc::new(Graph::new(scope)?), &Selector::all()).await?;
    let report = session.apply(&plan).await?;
    writeln!(out, "{} resources of three tiers in {} s:", report.done.len(), start.elapsed().as_secs())?;
    diary.tell(out)?;
    // References become values once they are there.
    let outputs: alb::Outputs<engine::Resolved> =
        serde_json::from_value(session.state().resolve(&serde_json::to_value(outputs)?))?;
    writeln!(out, "the load balancer answers at {}", outputs.alb_url)?;

    // And everything goes, in the order that AWS wants.
    let plan = session.plan(Arc::new(Graph::default()), &Selector::all()).await?;
    let gone = session.apply(&plan).await?;
    session.close().await?;
    let objects = emulator.objects().await?;
    let left = objects.iter().filter(|object| !object.made_by_default).count();
    writeln!(out, "{} resources deleted, {left} objects are left in the account", gone.done.len())?;
    match report.is_complete() && gone.is_complete() {
        true => Ok(()),
        false => Err("something was not done".into()),
    }
}
