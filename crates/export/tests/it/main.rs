//! What a graph becomes as a template.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use engine::{
    Address, CreateOnly, Declaration, Facts, FoundIn, Graph, ImportId, Loss, Named, Reads, Span, Tagging,
    Template, Times,
};
use export::{ExportError, Place, template};
use serde_json::{Value, json};

const FACTS: Facts = Facts {
    name: Named::ById,
    create_only: CreateOnly::Nothing,
    lists: &[],
    tags: Tagging::None,
    loss: Loss::Nothing,
    keeps: &[],
    limits: &[],
    template: Template::AS_DECLARED,
    times: Times { ready: Span { typical: 1, longest: 1 }, gone: Span { typical: 1, longest: 1 } },
    import: ImportId { parts: &["Id"], words: "the id", example: "1" },
    reads: Reads { least: 1, most: 1, together: None },
    cost: None,
};

fn declared(address: &str, kind: &str, properties: Value) -> Declaration {
    Declaration {
        address: Address::new(address).unwrap(),
        kind: kind.to_owned(),
        properties,
        protect: false,
        after: Vec::new(),
        facts: &FACTS,
    }
}

fn vpc() -> Declaration {
    declared("vpc/vpc", "AWS::EC2::VPC", json!({ "CidrBlock": "10.0.0.0/16" }))
}

fn exported(nodes: Vec<Declaration>, exports: Value) -> Result<Value, ExportError> {
    let graph = Graph::from_declarations(nodes).unwrap().with_exports(exports);
    let zones = ["xx-west-1a".to_owned(), "xx-west-1b".to_owned()];
    let place = Place {
        account_id: "000000000000",
        partition: "aws",
        region: "xx-west-1",
        availability_zones: &zones,
    };
    template(&graph, &place, "a test", &["hidden"])
}

fn resources(nodes: Vec<Declaration>) -> Value {
    exported(nodes, Value::Null).unwrap()["Resources"].clone()
}

fn to(address: &str, attr: &str) -> Value {
    json!({ "$ref": address, "attr": attr })
}

#[test]
fn references_are_ref_getatt_and_sub() {
    let bucket = declared("a/bucket", "AWS::S3::Bucket", json!({ "BucketName": "b-000000000000" }));
    let policy = declared(
        "a/policy",
        "AWS::S3::BucketPolicy",
        json!({
            "Bucket": to("a/bucket", "BucketName"),
            "PolicyDocument": { "Resource": [
                to("a/bucket", "Arn"),
                { "$join": [to("a/bucket", "Arn"), "/${aws:username}/*"] },
                "arn:aws:s3:::other-xx-west-1",
            ] },
        }),
    );
    let all = resources(vec![bucket, policy]);
    assert_eq!(all["ABucket"]["Properties"]["BucketName"], json!({ "Fn::Sub": "b-${AWS::AccountId}" }));
    assert_eq!(
        all["APolicy"]["Properties"],
        json!({
            "Bucket": { "Ref": "ABucket" },
            "PolicyDocument": { "Resource": [
                { "Fn::GetAtt": ["ABucket", "Arn"] },
                { "Fn::Sub": "${ABucket.Arn}/${!aws:username}/*" },
                { "Fn::Sub": "arn:${AWS::Partition}:s3:::other-${AWS::Region}" },
            ] },
        })
    );
    assert_eq!(all["APolicy"].get("DependsOn"), None);
}

#[test]
fn what_only_a_property_says_is_put_in_and_its_order_is_kept() {
    let gateway = declared("vpc/igw", "AWS::EC2::InternetGateway", json!({}));
    let attachment = declared(
        "vpc/attachment",
        "AWS::EC2::VPCGatewayAttachment",
        json!({ "VpcId": to("vpc/vpc", "VpcId"), "InternetGatewayId": to("vpc/igw", "InternetGatewayId") }),
    );
    let subnet = declared(
        "vpc/subnet",
        "AWS::EC2::Subnet",
        json!({ "VpcId": to("vpc/attachment", "VpcId"), "AvailabilityZone": "xx-west-1b", "Ipv6CidrBlock": null }),
    );
    let template = exported(vec![vpc(), gateway, attachment, subnet], Value::Null).unwrap();
    let subnet = &template["Resources"]["VpcSubnet"];
    assert_eq!(
        subnet["Properties"],
        json!({ "VpcId": { "Ref": "VpcVpc" }, "AvailabilityZone": { "Ref": "AvailabilityZone2" } })
    );
    assert_eq!(subnet["DependsOn"], json!(["VpcAttachment"]));
    let parameters = template["Parameters"].as_object().unwrap();
    assert_eq!(parameters.keys().collect::<Vec<_>>(), ["AvailabilityZone2"]);
    assert_eq!(parameters["AvailabilityZone2"]["Default"], "xx-west-1b");
}

#[test]
fn own_properties_are_left_out_and_what_they_refer_to_is_waited_for() {
    let group = declared("a/group", "AWS::Logs::LogGroup", json!({ "LogGroupName": "g" }));
    let mut cluster = declared(
        "a/cluster",
        "AWS::RDS::DBCluster",
        json!({ "Engine": "e", "LogGroupNames": [to("a/group", "LogGroupName")], "DeletionPolicy": "Snapshot" }),
    );
    const OWN_PROPERTIES: &[&str] = &["DeletionPolicy", "LogGroupNames"];
    cluster.facts = const {
        &Facts { template: Template { own_properties: OWN_PROPERTIES, ..Template::AS_DECLARED }, ..FACTS }
    };
    let all = resources(vec![group, cluster.clone()]);
    assert_eq!(all["ACluster"]["Properties"], json!({ "Engine": "e" }));
    assert_eq!(all["ACluster"]["DependsOn"], json!(["AGroup"]));
    assert_eq!(all["ACluster"]["DeletionPolicy"], "Snapshot");
    assert_eq!(all["ACluster"]["UpdateReplacePolicy"], "Snapshot");

    cluster.properties = json!({ "DeletionPolicy": "Delete" });
    assert_eq!(resources(vec![cluster.clone()])["ACluster"]["DeletionPolicy"], "Delete");
    cluster.protect = true;
    assert_eq!(resources(vec![cluster])["ACluster"]["DeletionPolicy"], "Retain");
}

#[test]
fn what_aws_makes_itself_is_left_out_and_nothing_waits_for_it() {
    let mut role =
        declared("a/role", "AWS::IAM::ServiceLinkedRole", json!({ "AWSServiceName": "ecs.amazonaws.com" }));
    role.facts = const { &Facts { template: Template { left_out: true, ..Template::AS_DECLARED }, ..FACTS } };
    let mut vpc = vpc();
    vpc.after = vec![role.address.clone()];
    let template = exported(vec![role, vpc], json!({})).unwrap();
    assert_eq!(template["Resources"].as_object().unwrap().len(), 1);
    assert_eq!(template["Resources"]["VpcVpc"].get("DependsOn"), None);
    assert_eq!(template["Metadata"]["Stack"]["LeftOut"][0]["Address"], "a/role");
}

#[test]
fn a_kind_says_how_cloudformation_has_its_properties_and_outputs() {
    let mut policy =
        declared("a/policy", "AWS::SNS::TopicPolicy", json!({ "Topics": [to("a/topic", "TopicArn")] }));
    policy.facts = const {
        &Facts {
            template: Template {
                outputs: &[("TopicArn", FoundIn::FirstOf("Topics"))],
                adapt: |properties| {
                    properties.insert("PolicyDocument".to_owned(), json!("as it is there"));
                },
                ..Template::AS_DECLARED
            },
            ..FACTS
        }
    };
    let topic = declared("a/topic", "AWS::SNS::Topic", json!({}));
    let template = exported(vec![topic, policy], json!({ "topic": to("a/policy", "TopicArn") })).unwrap();
    assert_eq!(template["Resources"]["APolicy"]["Properties"]["PolicyDocument"], "as it is there");
    assert_eq!(template["Outputs"]["topic"]["Value"], json!({ "Ref": "ATopic" }));
}

#[test]
fn what_aws_makes_by_itself_is_left_out_and_said() {
    let mut group =
        declared("vpc/default", "Custom::DefaultSecurityGroup", json!({ "VpcId": to("vpc/vpc", "VpcId") }));
    const FOUND: FoundIn = FoundIn::AttributeOf { property: "VpcId", attribute: "DefaultSecurityGroup" };
    group.facts = const {
        &Facts { template: Template { outputs: &[("GroupId", FOUND)], ..Template::AS_DECLARED }, ..FACTS }
    };
    let exports = json!({ "defaultGroup": to("vpc/default", "GroupId") });
    let template = exported(vec![vpc(), group], exports).unwrap();
    assert_eq!(template["Resources"].as_object().unwrap().len(), 1);
    assert_eq!(template["Metadata"]["Stack"]["LeftOut"][0]["Address"], "vpc/default");
    let value = &template["Outputs"]["defaultGroup"]["Value"];
    assert_eq!(*value, json!({ "Fn::GetAtt": ["VpcVpc", "DefaultSecurityGroup"] }));
}

#[test]
fn outputs_are_texts() {
    let exports = json!({
        "vpcId": to("vpc/vpc", "VpcId"), "cidr": to("vpc/vpc", "CidrBlock"), "port": 5432, "none": null, "empty": [],
        "hidden": "x", "list": ["a", to("vpc/vpc", "VpcId")],
    });
    let template = exported(vec![vpc()], exports).unwrap();
    assert_eq!(
        template["Outputs"],
        json!({
            "vpcId": { "Value": { "Ref": "VpcVpc" } },
            "cidr": { "Value": "10.0.0.0/16" },
            "port": { "Value": "5432" },
            "list": { "Value": { "Fn::Join": [",", ["a", { "Ref": "VpcVpc" }]] } },
        })
    );
    let error = exported(vec![vpc()], json!({ "map": { "a": 1, "b": 2 } })).unwrap_err();
    assert_eq!(error, ExportError::Output("map".to_owned()));
}

#[test]
fn what_cloudformation_cannot_say_is_an_error_that_names_it() {
    let unknown = declared("a/a", "AWS::EC2::Nothing", json!({}));
    assert_eq!(
        exported(vec![unknown], Value::Null).unwrap_err().to_string(),
        "a/a: CloudFormation's type AWS::EC2::Nothing is not known here"
    );
    let property = declared("a/a", "AWS::EC2::VPC", json!({ "Colour": "red" }));
    assert_eq!(
        exported(vec![property], Value::Null).unwrap_err().to_string(),
        "a/a: AWS::EC2::VPC has no property Colour in CloudFormation"
    );
    assert_eq!(
        exported(vec![vpc()], json!({ "x": to("vpc/vpc", "Colour") })).unwrap_err().to_string(),
        "vpc/vpc.Colour is referred to, and CloudFormation has no such attribute of AWS::EC2::VPC"
    );
    let list = declared("a/b", "AWS::EC2::VPC", json!({ "Tags": [] }));
    let error = exported(vec![list], json!({ "x": { "$join": ["a", to("a/b", "Tags")] } })).unwrap_err();
    assert_eq!(error.to_string(), "a text refers to a/b.Tags, which is not a text");
}
