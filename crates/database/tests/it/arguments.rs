//! Arguments that cannot work: each is refused before any call, by its name, with what would be right.

use database::{Args, Capacity, Inputs};
use engine::DeclareError;
use testing::declare;

use crate::support::{inputs, tier};

fn refused_with(args: Args, inputs: &Inputs) -> String {
    match declare(&tier(args), inputs).unwrap_err() {
        DeclareError::Argument { argument, reason, hint } => format!("{argument}: {reason} ({hint})"),
        other => panic!("{other}"),
    }
}

#[test]
fn each_is_named_with_what_would_be_right() {
    let text = str::to_owned;
    let capacity = |min, max, pause_after_seconds| Args {
        capacity: Capacity { min, max, pause_after_seconds },
        ..Args::default()
    };
    let rows = [
        (Args { environment: "Dev".into(), ..Args::default() }, "environment: `Dev`"),
        (
            Args { master_username: text("postgres"), ..Args::default() },
            "master_username: `postgres` is reserved",
        ),
        (Args { master_username: text("user"), ..Args::default() }, "master_username: `user` is reserved"),
        (Args { master_username: text("PG_x"), ..Args::default() }, "master_username: `PG_x` is reserved"),
        (
            Args { master_username: text("rdsrepladmin"), ..Args::default() },
            "master_username: `rdsrepladmin` is reserved",
        ),
        (
            Args { database_name: text("postgres"), ..Args::default() },
            "database_name: `postgres` is reserved",
        ),
        (Args { database_name: text("Select"), ..Args::default() }, "database_name: `Select` is reserved"),
        (
            Args { engine_version: text("9.6"), ..Args::default() },
            "engine_version: Aurora PostgreSQL 9.6 has no",
        ),
        (
            Args { allow_data_loss: vec![text("payment-aurora-dev"), text("*")], ..Args::default() },
            "allow_data_loss[1]: `*` is not the name of a cluster",
        ),
        (
            Args { allow_data_loss: vec![text("payment-aurora-dev ")], ..Args::default() },
            "allow_data_loss[0]: `payment-aurora-dev ` is not",
        ),
        (Args { master_username: text("1st"), ..Args::default() }, "master_username: `1st` is not a name"),
        (Args { database_name: text("my-db"), ..Args::default() }, "database_name: `my-db` is not a name"),
        (
            Args { engine_version: text("latest"), ..Args::default() },
            "engine_version: `latest` is not a version",
        ),
        (
            Args { engine_version: text("17.7.1"), ..Args::default() },
            "engine_version: `17.7.1` is not a version",
        ),
        (
            Args { application_user: text("App"), ..Args::default() },
            "application_user: `App` is not a user name",
        ),
        (Args { application_user: text("user"), ..Args::default() }, "application_user: `user` is reserved"),
        (
            Args { application_user: text("pg_app"), ..Args::default() },
            "application_user: `pg_app` is reserved",
        ),
        (
            Args { application_user: text("rdsadmin"), ..Args::default() },
            "application_user: `rdsadmin` is reserved",
        ),
        (
            Args { application_user: text("owner"), master_username: text("Owner"), ..Args::default() },
            "application_user: `owner` is the master user",
        ),
        (
            Args { cluster_name: Some(text("aurora-dev")), ..Args::default() },
            "cluster_name: `aurora-dev` is not the name of a cluster here",
        ),
        (
            Args { cluster_name: Some(text("payment-cluster-prod")), ..Args::default() },
            "cluster_name: `payment-cluster-prod` is not",
        ),
        (Args { engine_version: text("17.3"), ..Args::default() }, "data_api: 17.3 has no Data API"),
        (
            Args { pgaudit_log: vec![text("ddl"), text("dml")], ..Args::default() },
            "pgaudit_log: pgaudit has no class `dml`",
        ),
        (
            Args { pgaudit_log: vec![text("all"), text("none")], ..Args::default() },
            "pgaudit_log: `none` is there beside",
        ),
        (
            Args { pgaudit_log: vec![text("ddl"), text("ddl")], ..Args::default() },
            "pgaudit_log: `ddl` is there twice",
        ),
        (Args { pgaudit_log: Vec::new(), ..Args::default() }, "pgaudit_log: no class is named"),
        (Args { instances: 0, ..Args::default() }, "instances: a cluster cannot have 0"),
        (Args { instances: 16, ..Args::default() }, "instances: a cluster cannot have 16"),
        (Args { backup_retention_in_days: 36, ..Args::default() }, "backup_retention_in_days: Aurora cannot"),
        (Args { log_retention_in_days: 2556, ..Args::default() }, "log_retention_in_days: CloudWatch Logs"),
        (Args { insights: text("some"), ..Args::default() }, "insights: there is no mode `some`"),
        (Args { monitoring_interval: 7, ..Args::default() }, "monitoring_interval: RDS cannot measure"),
        (Args { backup_window: text("3-4"), ..Args::default() }, "backup_window: `3-4` is not a time of day"),
        (
            Args { maintenance_window: text("sun:03:30-sun:04:30"), ..Args::default() },
            "maintenance_window: it overlaps the backup window 03:00-04:00",
        ),
        (capacity(0.3, 2.0, None), "capacity.min: 0.3 is no capacity"),
        (capacity(4.0, 2.0, None), "capacity.max: 2 is no largest capacity"),
        (capacity(0.5, 2.0, Some(300)), "capacity.pause_after_seconds: a cluster with a smallest capacity"),
        (capacity(0.0, 2.0, Some(60)), "capacity.pause_after_seconds: Aurora cannot pause after 60"),
    ];
    for (args, wanted) in rows {
        let said = refused_with(args, &inputs());
        assert!(said.starts_with(wanted) && said.ends_with(')'), "{said}");
    }
}

#[test]
fn subnets_in_one_zone_are_too_few() {
    let one = Inputs { subnet_ids: inputs().subnet_ids[..1].to_vec(), ..inputs() };
    assert!(
        refused_with(Args::default(), &one).starts_with("subnet_ids: a cluster needs subnets in two zones")
    );
}
