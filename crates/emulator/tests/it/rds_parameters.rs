//! RDS: what parameters and their groups may not be.

use aws_sdk_rds::types::ApplyMethod;

use crate::rds::{Db, parameter};
use crate::rds_rules::{COMBINATION, VALUE, code};
use crate::rows::check;

#[tokio::test(start_paused = true)]
async fn what_parameters_may_not_be() {
    let db = Db::in_memory().await;
    let make = |name: &str, family: &str| {
        let call = db.rds.create_db_cluster_parameter_group().db_cluster_parameter_group_name(name);
        call.db_parameter_group_family(family).description("d").send()
    };
    make("p", "aurora-postgresql17").await.unwrap();
    let group = db.rds.create_db_parameter_group().db_parameter_group_name("i");
    group.db_parameter_group_family("aurora-postgresql17").description("d").send().await.unwrap();
    db.serverless("c").db_cluster_parameter_group_name("p").send().await.unwrap();
    db.instance("i", "c").db_parameter_group_name("i").send().await.unwrap();
    let set = |group: &str, name: &str, value: &str, method: ApplyMethod| {
        let call = db.rds.modify_db_cluster_parameter_group().db_cluster_parameter_group_name(group);
        call.parameters(parameter(name, value, method)).send()
    };
    let now = || ApplyMethod::Immediate;
    let default = "default.aurora-postgresql17";
    let many = (0..21).map(|_| parameter("log_connections", "1", now())).collect();
    let delete =
        |name: &str| db.rds.delete_db_cluster_parameter_group().db_cluster_parameter_group_name(name).send();
    let delete_small = |name: &str| db.rds.delete_db_parameter_group().db_parameter_group_name(name).send();
    let unknown = "DBParameterGroupNotFound 404";
    let state = "InvalidDBParameterGroupState";
    check([
        (
            "a name is used once",
            "DBParameterGroupAlreadyExists",
            code(make("P", "aurora-postgresql17").await),
        ),
        ("a name has no dot", VALUE, code(make("default.p", "aurora-postgresql17").await)),
        ("the family exists", VALUE, code(make("q", "aurora-postgresql9").await)),
        ("the group exists", unknown, code(set("x", "log_connections", "1", now()).await)),
        ("AWS's own is not changed", VALUE, code(set(default, "log_connections", "1", now()).await)),
        ("the parameter exists", VALUE, code(set("p", "no_such_parameter", "1", now()).await)),
        ("a flag is 0 or 1", VALUE, code(set("p", "rds.force_ssl", "on", now()).await)),
        ("a number is in its range", VALUE, code(set("p", "log_min_duration_statement", "-2", now()).await)),
        (
            "a word is one of its words",
            VALUE,
            code(set("p", "ssl_min_protocol_version", "SSLv3", now()).await),
        ),
        ("a list has its words", VALUE, code(set("p", "pgaudit.log", "ddl,nonsense", now()).await)),
        ("what RDS sets stays", VALUE, code(set("p", "data_directory", "/", now()).await)),
        (
            "a static one needs a restart",
            COMBINATION,
            code(set("p", "shared_preload_libraries", "pgaudit", now()).await),
        ),
        (
            "a call changes 20 at most",
            VALUE,
            code(
                db.rds
                    .modify_db_cluster_parameter_group()
                    .db_cluster_parameter_group_name("p")
                    .set_parameters(Some(many))
                    .send()
                    .await,
            ),
        ),
        (
            "instances have no cluster parameters",
            VALUE,
            code(
                db.rds
                    .modify_db_parameter_group()
                    .db_parameter_group_name("i")
                    .parameters(parameter("rds.force_ssl", "1", now()))
                    .send()
                    .await,
            ),
        ),
        ("a used group stays", state, code(delete("p").await)),
        ("AWS's own stays", state, code(delete(default).await)),
        ("the deleted one exists", unknown, code(delete("x").await)),
        ("a used group of instances stays", state, code(delete_small("i").await)),
        ("AWS's own of instances stays", state, code(delete_small(default).await)),
    ]);
    // What needs a restart is said so.
    let call = set("p", "shared_preload_libraries", "pgaudit", ApplyMethod::PendingReboot);
    call.await.unwrap();
    let cluster = db.shown("c").await;
    let status = cluster.db_cluster_members()[0].db_cluster_parameter_group_status();
    assert_eq!(status, Some("pending-reboot"));
}
