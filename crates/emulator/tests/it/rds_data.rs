//! The RDS Data API: roles of a database, and when a cluster answers.

use std::time::Duration;

use aws_sdk_rdsdata::error::ProvideErrorMetadata;
use aws_sdk_rdsdata::operation::execute_statement::ExecuteStatementOutput;
use aws_sdk_rdsdata::types::{Field, SqlParameter};
use emulator::Emulator;

use crate::rds::{Db, scaling};
use crate::rows::Rows;
use crate::support::{REGION, code, config};

/// A cluster with the Data API and an instance.
struct Served {
    db: Db,
    data: aws_sdk_rdsdata::Client,
    arn: String,
    secret: String,
}

impl Served {
    async fn new() -> Self {
        Served::of(Db::in_memory().await, scaling(0.5, 2.0)).await
    }

    async fn of(db: Db, capacity: aws_sdk_rds::types::ServerlessV2ScalingConfiguration) -> Self {
        let call = db.cluster("c").serverless_v2_scaling_configuration(capacity).database_name("payments");
        call.enable_http_endpoint(true).send().await.unwrap();
        db.instance("i", "c").send().await.unwrap();
        let cluster = db.shown("c").await;
        let data = aws_sdk_rdsdata::Client::new(&config(&db.cloud.emulator, REGION));
        let secret = cluster.master_user_secret().unwrap().secret_arn().unwrap().to_owned();
        Served { db, data, arn: cluster.db_cluster_arn().unwrap().to_owned(), secret }
    }

    fn call(
        &self,
        sql: &str,
    ) -> aws_sdk_rdsdata::operation::execute_statement::builders::ExecuteStatementFluentBuilder {
        let call = self.data.execute_statement().resource_arn(&self.arn).secret_arn(&self.secret);
        call.database("payments").sql(sql)
    }

    async fn run(&self, sql: &str) -> ExecuteStatementOutput {
        self.call(sql).send().await.unwrap_or_else(|error| panic!("{sql}: {}", error.into_service_error()))
    }

    /// The code of an answer, or the SQLSTATE of a database error.
    async fn answer(&self, sql: &str) -> String {
        match self.call(sql).send().await {
            Ok(_) => "ok".to_owned(),
            Err(error) => {
                let state = error.message().and_then(|message| message.split_once("SQLState: "));
                let code = error.code().unwrap_or_default().to_owned();
                state.map_or(code, |(_, state)| state.to_owned())
            }
        }
    }

    /// Whether the role `app` may log in, is a member of `rds_iam`, may connect, may create tables; and its comment.
    async fn app(&self) -> Option<Vec<Field>> {
        let sql = "SELECT rolcanlogin, pg_has_role(rolname, 'rds_iam', 'MEMBER'), \
                   has_database_privilege(rolname, 'payments', 'CONNECT'), has_schema_privilege(rolname, 'public', 'CREATE'), \
                   shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = :user";
        let user = SqlParameter::builder().name("user").value(Field::StringValue("app".to_owned())).build();
        let found = self.call(sql).parameters(user).send().await.unwrap();
        found.records().first().cloned()
    }
}

fn flags(values: [bool; 4], comment: Option<&str>) -> Option<Vec<Field>> {
    let comment = comment.map_or(Field::IsNull(true), |text| Field::StringValue(text.to_owned()));
    Some(values.map(Field::BooleanValue).into_iter().chain([comment]).collect())
}

#[tokio::test(start_paused = true)]
async fn a_role_is_made_granted_read_and_dropped() {
    let served = Served::new().await;
    assert_eq!(served.app().await, None);
    served.run("CREATE ROLE \"app\" LOGIN").await;
    // Everybody may connect.
    assert_eq!(served.app().await, flags([true, false, true, false], None));
    served.run("GRANT rds_iam TO app").await;
    served.run("GRANT USAGE, CREATE ON SCHEMA public TO app").await;
    served.run("COMMENT ON ROLE app IS 'it''s ours'").await;
    assert_eq!(served.app().await, flags([true, true, true, true], Some("it's ours")));

    served.run("ALTER ROLE app NOLOGIN").await;
    served.run("REVOKE rds_iam FROM app").await;
    served.run("REVOKE CONNECT ON DATABASE payments FROM PUBLIC").await;
    assert_eq!(served.app().await, flags([false, false, false, true], Some("it's ours")));
    // PostgreSQL, "DROP ROLE": not while it has a privilege.
    assert_eq!(served.answer("DROP ROLE app").await, "2BP01");
    served.run("REVOKE USAGE, CREATE ON SCHEMA public FROM app").await;
    served.run("DROP ROLE app").await;
    assert_eq!(served.app().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_block_is_done_as_a_whole_or_not_at_all() {
    let served = Served::new().await;
    let block = |last: &str| format!("DO $x$ BEGIN CREATE ROLE app LOGIN; {last}; END $x$");
    assert_eq!(served.answer(&block("GRANT nobody TO app")).await, "42704");
    assert_eq!(served.app().await, None);
    served.run(&block("GRANT rds_iam TO app")).await;
    assert_eq!(served.app().await, flags([true, true, true, false], None));
}

impl Served {
    /// What the role `app` was granted itself: memberships, privileges on the database, and on the schema.
    async fn direct(&self) -> [String; 3] {
        let rows = |what: &str, option: &str, from: &str| {
            format!(
                "(SELECT CAST(json_agg(json_build_array({what}, pg_get_userbyid(grantor), {option})) AS text) FROM {from} = \
                 pg_roles.oid)"
            )
        };
        let privileges = |table: &str, list: &str, name: &str, of: &str| {
            let from = format!("{table}, aclexplode({list}) WHERE {name} = '{of}' AND grantee");
            rows("privilege_type", "is_grantable", &from)
        };
        let memberships = rows("pg_get_userbyid(roleid)", "admin_option", "pg_auth_members WHERE member");
        let sql = format!(
            "SELECT {memberships}, {}, {} FROM pg_roles WHERE rolname = 'app'",
            privileges("pg_database", "datacl", "datname", "payments"),
            privileges("pg_namespace", "nspacl", "nspname", "public"),
        );
        let found = self.run(&sql).await;
        let text = |field: &Field| field.as_string_value().cloned().unwrap_or_default();
        found.records()[0].iter().map(text).collect::<Vec<_>>().try_into().unwrap()
    }
}

/// PostgreSQL 16, "REVOKE".
#[tokio::test(start_paused = true)]
async fn a_membership_is_of_one_grantor_and_ends_by_that_one_alone() {
    let served = Served::new().await;
    for sql in [
        "CREATE ROLE app LOGIN",
        "CREATE ROLE ops",
        "GRANT rds_superuser TO ops WITH ADMIN OPTION",
        "GRANT ops TO payments",
        "GRANT rds_superuser TO app GRANTED BY ops",
        "REVOKE rds_superuser FROM app",
    ] {
        served.run(sql).await;
    }
    assert_eq!(served.direct().await, [r#"[["rds_superuser","ops",false]]"#, "", ""]);
    served.run("GRANT rds_superuser TO app WITH ADMIN OPTION").await;
    let both = r#"[["rds_superuser","payments",true],["rds_superuser","ops",false]]"#;
    assert_eq!(served.direct().await[0], both);
    served.run("REVOKE rds_superuser FROM app GRANTED BY ops").await;
    served.run("REVOKE ADMIN OPTION FOR rds_superuser FROM app").await;
    assert_eq!(served.direct().await[0], r#"[["rds_superuser","payments",false]]"#);

    let mut rows = Rows::default();
    for (sql, wanted) in [
        // Nobody is a member of itself, by however many steps.
        ("GRANT app TO app", "0LP01"),
        ("GRANT ops TO app", "ok"),
        ("GRANT app TO ops", "0LP01"),
        // Neither the privileges of the grantor, nor the option.
        ("REVOKE rds_superuser FROM app GRANTED BY rdsadmin", "42501"),
        ("GRANT rds_iam TO app GRANTED BY ops", "42501"),
        // What it has passed on.
        ("CREATE ROLE third", "ok"),
        ("GRANT rds_superuser TO third GRANTED BY ops", "ok"),
        ("DROP ROLE ops", "2BP01"),
        ("REVOKE rds_superuser FROM ops", "2BP01"),
        ("REVOKE ADMIN OPTION FOR rds_superuser FROM ops CASCADE", "ok"),
        ("REVOKE rds_superuser FROM ops", "ok"),
        ("DROP ROLE ops", "ok"),
    ] {
        rows.row(sql, wanted, served.answer(sql).await);
    }
    assert_eq!(served.direct().await[0], r#"[["rds_superuser","payments",false]]"#);
}

#[tokio::test(start_paused = true)]
async fn a_privilege_that_another_role_granted_is_not_taken_back_by_the_owner() {
    let served = Served::new().await;
    served.run("CREATE ROLE app LOGIN").await;
    served.run("CREATE ROLE ops").await;
    served.run("GRANT CREATE ON SCHEMA public TO ops WITH GRANT OPTION").await;
    served.run("GRANT ops TO payments").await;
    let as_ops = |sql: &str| format!("DO $x$ BEGIN SET ROLE ops; {sql}; RESET ROLE; END $x$");
    assert_eq!(served.answer(&as_ops("GRANT CREATE ON DATABASE payments TO app")).await, "42501");
    served.run(&as_ops("GRANT CREATE ON SCHEMA public TO app")).await;
    served.run("GRANT CONNECT ON DATABASE payments TO app WITH GRANT OPTION").await;
    let granted = ["", r#"[["CONNECT","payments",true]]"#, r#"[["CREATE","ops",false]]"#];
    assert_eq!(served.direct().await, granted);
    assert_eq!(served.answer("REVOKE CREATE ON SCHEMA public FROM app").await, "ok");
    assert_eq!(served.direct().await, granted);
    assert_eq!(served.answer("REVOKE CREATE ON SCHEMA public FROM app GRANTED BY ops").await, "0A000");
    assert_eq!(served.answer("REVOKE CREATE ON SCHEMA public FROM ops").await, "2BP01");
    served.run(&as_ops("REVOKE CREATE ON SCHEMA public FROM app")).await;
    served.run("REVOKE GRANT OPTION FOR CONNECT ON DATABASE payments FROM app").await;
    assert_eq!(served.direct().await, ["", r#"[["CONNECT","payments",false]]"#, ""]);
}

#[tokio::test(start_paused = true)]
async fn what_postgresql_refuses_or_nobody_understands_is_a_database_error() {
    let served = Served::new().await;
    let mut rows = Rows::default();
    for (sql, wanted) in [
        ("CREATE ROLE payments", "42710"),
        ("CREATE ROLE pg_mine", "42939"),
        ("CREATE ROLE app SUPERUSER", "42501"),
        ("ALTER ROLE rdsadmin NOLOGIN", "42501"),
        ("ALTER ROLE app LOGIN", "42704"),
        ("GRANT CONNECT ON DATABASE other TO payments", "3D000"),
        ("GRANT USAGE ON SCHEMA other TO payments", "3F000"),
        ("GRANT DANCE ON SCHEMA public TO payments", "22023"),
        ("SELECT amount FROM payments", "42703"),
        ("INSERT INTO payments VALUES (1)", "0A000"),
        ("CREATE ROLE a; CREATE ROLE b", "42601"),
    ] {
        rows.row(sql, wanted, served.answer(sql).await);
    }
    let elsewhere = served.call("SELECT rolname FROM pg_roles").database("other").send().await;
    rows.row("another database", "DatabaseErrorException", code(elsewhere));
    let late = served.call("SELECT rolname FROM pg_roles").transaction_id("1").send().await;
    rows.row("a transaction", "TransactionNotFoundException", code(late));
    let named = served.call("SELECT rolname FROM pg_roles").include_result_metadata(true).send().await;
    rows.row("metadata", "UnknownParameter", code(named));
}

#[tokio::test(start_paused = true)]
async fn only_a_cluster_with_an_endpoint_a_writer_and_its_own_secret_answers() {
    const SQL: &str = "SELECT rolname FROM pg_roles";
    let served = Served::new().await;
    let Served { db, arn, secret, .. } = &served;
    let mut rows = Rows::default();
    rows.row("all is there", "ok", served.answer(SQL).await);
    let other = served.call(SQL).resource_arn(arn.replace("cluster:c", "cluster:d")).send().await;
    rows.row("no such cluster", "BadRequestException", code(other));
    let other = served.call(SQL).secret_arn(secret.replace("rds!", "rds-")).send().await;
    rows.row("no such secret", "SecretsErrorException", code(other));

    let kms = db.cloud.kms();
    let key = served.db.shown("c").await.master_user_secret().unwrap().kms_key_id().unwrap().to_owned();
    let disabled = kms.disable_key().key_id(&key).send().await;
    // AWS's own key cannot be disabled; a customer's can.
    rows.row("AWS's key", "AccessDeniedException", code(disabled));

    let off = db.rds.disable_http_endpoint().resource_arn(arn).send().await.unwrap();
    assert_eq!(off.http_endpoint_enabled(), Some(false));
    assert_eq!(db.shown("c").await.http_endpoint_enabled(), Some(false));
    rows.row("switched off", "HttpEndpointNotEnabledException", served.answer(SQL).await);
    let unknown = db.rds.enable_http_endpoint().resource_arn(format!("{arn}x")).send().await;
    rows.row("no such cluster", "ResourceNotFoundFault", code(unknown));
    let on = db.rds.enable_http_endpoint().resource_arn(arn).send().await.unwrap();
    assert_eq!(on.http_endpoint_enabled(), Some(true));
    rows.row("switched on", "ok", served.answer(SQL).await);

    let delete = db.rds.delete_db_instance().db_instance_identifier("i").skip_final_snapshot(true);
    delete.send().await.unwrap();
    rows.row("no instance", "DatabaseNotFoundException", served.answer(SQL).await);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_disabled_locks_the_secret() {
    let db = Db::in_memory().await;
    let call = db.serverless("c").enable_http_endpoint(true).master_user_secret_kms_key_id(&db.key);
    call.send().await.unwrap();
    db.instance("i", "c").send().await.unwrap();
    let cluster = db.shown("c").await;
    let data = aws_sdk_rdsdata::Client::new(&config(&db.cloud.emulator, REGION));
    let call = data.execute_statement().resource_arn(cluster.db_cluster_arn().unwrap());
    let call = call.secret_arn(cluster.master_user_secret().unwrap().secret_arn().unwrap());
    let call = call.sql("SELECT rolname FROM pg_roles");
    assert_eq!(code(call.clone().send().await), "ok");
    db.cloud.kms().disable_key().key_id(&db.key).send().await.unwrap();
    assert_eq!(code(call.send().await), "SecretsErrorException");
}

#[tokio::test(start_paused = true)]
async fn nothing_answers_before_the_writer_and_the_endpoint_waits_for_the_cluster() {
    let seconds = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
    let emulator = Emulator::builder().latency(1.0).in_memory();
    let db = Db::of(emulator, async || seconds(60).await).await;
    let served = Served::of(db, scaling(0.5, 2.0)).await;
    let switch = served.db.rds.disable_http_endpoint().resource_arn(&served.arn).send().await;
    assert_eq!(code(switch), "InvalidResourceStateFault");
    let create = "CREATE ROLE app LOGIN";
    assert_eq!(served.answer(create).await, "DatabaseUnavailableException");
    seconds(1200).await;
    assert_eq!(served.answer(create).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_paused_wakes_up_by_the_first_call() {
    let seconds = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
    const SQL: &str = "SELECT rolname FROM pg_roles";
    let emulator = Emulator::builder().latency(1.0).in_memory();
    let db = Db::of(emulator, async || seconds(60).await).await;
    let served = Served::of(db, scaling(0.0, 2.0)).await;
    seconds(1200).await;
    for _ in 0..2 {
        assert_eq!(served.answer(SQL).await, "DatabaseResumingException");
        seconds(5).await;
        assert_eq!(served.answer(SQL).await, "DatabaseResumingException");
        seconds(40).await;
        assert_eq!(served.answer(SQL).await, "ok");
        seconds(200).await;
        assert_eq!(served.answer(SQL).await, "ok");
        // 300 seconds without a call (`SecondsUntilAutoPause`).
        seconds(301).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_master_user_that_logs_in_with_iam_has_no_password_any_more() {
    let served = Served::new().await;
    served.run("GRANT rds_iam TO payments").await;
    assert_eq!(served.answer("SELECT rolname FROM pg_roles").await, "28000");
}

#[tokio::test(start_paused = true)]
async fn roles_go_with_their_cluster_and_only_statements_that_change_something_count_as_changes() {
    let served = Served::new().await;
    let emulator = &served.db.cloud.emulator;
    served.run("CREATE ROLE app LOGIN").await;
    emulator.clear_calls();
    served.app().await;
    served.run("ALTER ROLE app NOLOGIN").await;
    let mutating: Vec<bool> = emulator.calls().into_iter().map(|call| call.mutating).collect();
    assert_eq!(mutating, [false, true]);

    let delete = served.db.rds.delete_db_instance().db_instance_identifier("i").skip_final_snapshot(true);
    delete.send().await.unwrap();
    served.db.delete_cluster("c").await;
    let again = Served::of(served.db, scaling(0.5, 2.0)).await;
    assert_eq!(again.app().await, None);
}
