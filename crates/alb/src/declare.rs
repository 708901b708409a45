//! The tier itself: which resources there are, and what each takes from which.

use aws::firewall::{Firewall, FirewallOutputs};
use aws::policy::{PolicyDocument, Principal, Statement};
use aws::resources::{LogGroup, Peer, RetentionDays, SecurityGroup, SecurityGroupIngress, ServiceLinkedRole};
use aws::{LogGroupName, Names, SecurityGroupId, SubnetId};
use engine::{Component, DeclareError, Declared, Input, OutputsOf, Scope, Stage};
use serde::{Deserialize, Serialize};

use crate::args::{DEFAULT_TARGET_PORT, TargetProtocol};
use crate::resources::{
    AbortIncompleteMultipartUpload, Action, Attribute, Bucket, BucketEncryption, BucketPolicy, Certificate,
    Condition, LifecycleConfiguration, LifecycleRule, Listener, ListenerRule, LoadBalancer, Matcher,
    NoncurrentVersionExpiration, OwnershipControls, PublicAccessBlockConfiguration, TargetGroup,
    VersioningConfiguration,
};
use crate::{
    Args, BucketName, Ingress, Inputs, ListenerArn, ListenerRuleArn, LoadBalancerArn, TargetGroupArn,
    WebAclArn,
};

const HTTP: u16 = 80;
const HTTPS: u16 = 443;
/// The test rule is looked at before the production rule, which is for everything.
const TEST_PRIORITY: u32 = 5;
const PRODUCTION_PRIORITY: u32 = 10;
/// The weight of the group that gets all requests, of the two that there are.
const ALL: u32 = 100;
/// The longest name of a load balancer or a target group.
const MAX_NAME_LENGTH: usize = 32;
/// For how many days a log that was deleted by its age can still be had back.
const OLD_VERSION_DAYS: u32 = 30;
/// After how many days an upload that was never ended is given up.
const UPLOAD_DAYS: u32 = 7;

engine::tier! {
    /// The load balancer tier.
    pub struct Tier(Args);
}

/// What the tiers after it can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct Outputs<S: Stage> {
    /// The load balancer's ARN. A reference to it waits until it is active.
    pub alb_arn: S::Of<LoadBalancerArn>,
    /// Its name in DNS. Known as soon as it is begun.
    pub alb_dns_name: S::Of<String>,
    /// The zone of that name, for an alias record in Route 53. Known as soon as it is begun.
    pub alb_hosted_zone_id: S::Of<String>,
    /// The end of its ARN, by which CloudWatch knows it. Known as soon as it is begun.
    pub alb_full_name: S::Of<String>,
    /// `internet-facing` or `internal`.
    pub alb_scheme: S::Of<String>,
    /// `http` or `https`: what the production listener speaks.
    pub alb_protocol: S::Of<String>,
    /// `PROTOCOL://NAME`. With `https` it shows the certificate of another name: give it one of your own by an alias
    /// record.
    pub alb_url: S::Of<String>,
    /// Its group. It lets nothing out: the tier with the targets adds a rule to it.
    pub alb_security_group_id: S::Of<SecurityGroupId>,
    /// The listener with the rules.
    pub production_listener_arn: S::Of<ListenerArn>,
    /// The rule for everything. Its target groups belong to a load balancer as soon as it exists, as ECS demands.
    pub production_rule_arn: S::Of<ListenerRuleArn>,
    /// The rule for requests with the test header.
    pub test_rule_arn: S::Of<ListenerRuleArn>,
    /// The group that requests go to at first.
    pub blue_target_group_arn: S::Of<TargetGroupArn>,
    /// The end of its ARN, by which CloudWatch knows it.
    pub blue_target_group_full_name: S::Of<String>,
    /// The group that the first deployment goes to.
    pub green_target_group_arn: S::Of<TargetGroupArn>,
    /// The end of its ARN, by which CloudWatch knows it.
    pub green_target_group_full_name: S::Of<String>,
    /// The port of the targets.
    pub target_port: S::Of<u16>,
    /// The web ACL, if there is one. It fits this load balancer only: an API in front needs one of its own.
    pub web_acl_arn: Option<S::Of<WebAclArn>>,
    /// Its name, by which CloudWatch knows it.
    pub web_acl_name: Option<S::Of<String>>,
    /// Where the web ACL writes what it saw.
    pub waf_log_group_name: Option<S::Of<LogGroupName>>,
    /// Where the load balancer writes its logs.
    pub alb_log_bucket_name: Option<S::Of<BucketName>>,
}

impl Component for Tier {
    const NAME: &'static str = "alb";
    type Inputs = Inputs;
    type Outputs<S: Stage> = Outputs<S>;

    fn declare(&self, scope: &mut Scope, inputs: &Inputs) -> Result<Outputs<Declared>, DeclareError> {
        let args = &self.args;
        let names = Names::new(&args.environment, &args.tags)?;
        LogGroup::guard(scope, args.keep_logs);
        Bucket::guard(scope, args.access_logs.delete_logs);
        args.check(inputs)?;
        let waf_retention = args.waf.retention()?;
        Declaring { scope, args, inputs, names, waf_retention }.all()
    }
}

/// One run of `declare`: the scope, and what all its steps need.
struct Declaring<'a> {
    scope: &'a mut Scope,
    args: &'a Args,
    inputs: &'a Inputs,
    names: Names,
    waf_retention: RetentionDays,
}

impl Declaring<'_> {
    fn all(mut self) -> Result<Outputs<Declared>, DeclareError> {
        let security_group = self.security_group()?;
        let log_bucket = match self.args.access_logs.enabled {
            true => Some(self.log_bucket()?),
            false => None,
        };
        let load_balancer = self.load_balancer(&security_group, log_bucket.as_ref())?;
        let service = "elasticloadbalancing.amazonaws.com";
        ServiceLinkedRole::before(self.scope, "linked-role", service, &["load-balancer"])?;
        let blue = self.target_group("blue")?;
        let green = self.target_group("green")?;
        let listener = self.listeners(&load_balancer.load_balancer_arn.clone().early())?;
        let (blue_arn, green_arn) = (&blue.target_group_arn, &green.target_group_arn);
        let test = Condition::header(&self.args.test_header.name, &self.args.test_header.value);
        let test = self.rule("test", &listener, TEST_PRIORITY, test, [(blue_arn, 0), (green_arn, ALL)])?;
        let everything = Condition::path("/*");
        let groups = [(blue_arn, ALL), (green_arn, 0)];
        let production = self.rule("production", &listener, PRODUCTION_PRIORITY, everything, groups)?;
        let firewall = match self.args.waf.enabled {
            true => Some(self.firewall(&load_balancer.load_balancer_arn)?),
            false => None,
        };
        let dns_name = load_balancer.dns_name.early();
        Ok(Outputs {
            alb_arn: load_balancer.load_balancer_arn,
            alb_url: Input::join([self.protocol().into(), "://".into(), (&dns_name).into()]),
            alb_dns_name: dns_name,
            alb_hosted_zone_id: load_balancer.canonical_hosted_zone_id.early(),
            alb_full_name: load_balancer.load_balancer_full_name.early(),
            alb_scheme: self.scheme().into(),
            alb_protocol: self.protocol().into(),
            alb_security_group_id: security_group,
            production_listener_arn: listener,
            production_rule_arn: production,
            test_rule_arn: test,
            blue_target_group_arn: blue.target_group_arn,
            blue_target_group_full_name: blue.target_group_full_name,
            green_target_group_arn: green.target_group_arn,
            green_target_group_full_name: green.target_group_full_name,
            target_port: self.args.target_port.into(),
            web_acl_arn: firewall.as_ref().map(|firewall| firewall.web_acl_arn.clone()),
            web_acl_name: firewall.as_ref().map(|firewall| firewall.web_acl_name.clone().into()),
            waf_log_group_name: firewall.map(|firewall| firewall.log_group_name),
            alb_log_bucket_name: log_bucket,
        })
    }

    fn scheme(&self) -> &'static str {
        match self.args.ingress {
            Ingress::Public => "internet-facing",
            Ingress::Private => "internal",
        }
    }

    fn protocol(&self) -> &'static str {
        match self.args.certificate_arn {
            Some(_) => "https",
            None => "http",
        }
    }

    fn subnets(&self) -> &[Input<SubnetId>] {
        match self.args.ingress {
            Ingress::Public => &self.inputs.public_subnet_ids,
            Ingress::Private => &self.inputs.private_subnet_ids,
        }
    }

    /// Lets clients in where there is a listener, and nothing out: whoever has the targets adds that.
    fn security_group(&mut self) -> Result<Input<SecurityGroupId>, DeclareError> {
        let group = SecurityGroup::closed(
            self.names.name("alb-sg"),
            "The payment load balancer: HTTP and HTTPS from its clients",
            self.inputs.vpc_id.clone(),
            self.names.tags("alb-sg"),
        );
        let group = self.scope.add("security-group", group)?.group_id;
        let ports: &[u16] = if self.args.certificate_arn.is_some() { &[HTTP, HTTPS] } else { &[HTTP] };
        let cidrs = self.client_cidrs()?;
        for port in ports {
            let rule = |peer, from: &str| {
                SecurityGroupIngress::tcp(group.clone(), *port, peer, format!("Port {port} from {from}"))
            };
            for cidr in &cidrs {
                let name = format!("ingress-{port}-from-{}", cidr.replace(['.', '/'], "-"));
                self.scope.add(&name, rule(Peer::Addresses(cidr.clone().into()), cidr))?;
            }
            for (number, client) in (1..).zip(&self.inputs.client_security_group_ids) {
                let name = format!("ingress-{port}-from-client-{number}");
                self.scope.add(&name, rule(Peer::Group(client.clone()), "a client"))?;
            }
        }
        Ok(group)
    }

    /// The addresses that may reach the load balancer.
    fn client_cidrs(&self) -> Result<Vec<String>, DeclareError> {
        let given = &self.args.ingress_cidrs;
        match self.args.ingress {
            _ if !given.is_empty() => Ok(given.iter().map(ToString::to_string).collect()),
            Ingress::Public => Ok(vec!["0.0.0.0/0".to_owned()]),
            Ingress::Private if !self.inputs.client_security_group_ids.is_empty() => Ok(Vec::new()),
            Ingress::Private if !self.args.ingress_from_vpc => Ok(Vec::new()),
            Ingress::Private => {
                let unknown = || {
                    let reason =
                        "it is not known before the VPC is there, and the load balancer is open to it";
                    DeclareError::argument("vpc_cidr", reason, "give the addresses in ingress_cidrs")
                };
                Ok(vec![self.inputs.vpc_cidr.literal().ok_or_else(unknown)?.to_string()])
            }
        }
    }

    /// The bucket for the logs, with the policy that lets them in. What takes its name waits for the policy: turning
    /// logs on writes a test file.
    fn log_bucket(&mut self) -> Result<Input<BucketName>, DeclareError> {
        let aws::Place { account_id, partition, region } = &self.inputs.place;
        // Unique in the world.
        let name = format!("{}-{account_id}-{region}", self.names.name("alb-logs"));
        let expire = LifecycleRule {
            id: "expire-logs".to_owned(),
            status: "Enabled".to_owned(),
            expiration_in_days: self.args.access_logs.retention_in_days,
            noncurrent_version_expiration: NoncurrentVersionExpiration::of_days(OLD_VERSION_DAYS),
            abort_incomplete_multipart_upload: AbortIncompleteMultipartUpload {
                days_after_initiation: UPLOAD_DAYS,
            },
            ..LifecycleRule::default()
        };
        let bucket = Bucket {
            bucket_name: name.as_str().into(),
            bucket_encryption: BucketEncryption::with_s3_keys(),
            versioning_configuration: VersioningConfiguration::enabled(),
            public_access_block_configuration: PublicAccessBlockConfiguration::all(),
            ownership_controls: OwnershipControls::bucket_owner(),
            lifecycle_configuration: LifecycleConfiguration { rules: vec![expire] },
            delete_objects: self.args.access_logs.delete_logs,
            tags: self.names.tags("alb-logs"),
        };
        let bucket = match self.args.access_logs.delete_logs {
            true => self.scope.add("log-bucket", bucket)?,
            false => self.scope.add_protected("log-bucket", bucket)?,
        };
        let arn = format!("arn:{partition}:s3:::{name}");
        let everything = [arn.clone().into(), format!("{arn}/*").into()];
        let policy = PolicyDocument::new([
            Statement::allow(["s3:PutObject"])
                .sid("LoadBalancerWrites")
                .principal(Principal::Service("logdelivery.elasticloadbalancing.amazonaws.com".to_owned()))
                // As in AWS's example: the account in the path keeps the load balancers of others out. A condition on
                // `aws:SourceArn` makes Elastic Load Balancing's test fail, and one on `aws:SourceAccount` may (Elastic Load
                // Balancing User Guide, "Enable access logs for your Application Load Balancer", step 2).
                .resources([format!("{arn}/AWSLogs/{account_id}/*").into()]),
            // Security Hub S3.5.
            Statement::deny(["s3:*"]).sid("OnlyTls").principal(Principal::Anyone).resources(everything).when(
                "Bool",
                "aws:SecureTransport",
                ["false".into()],
            ),
        ]);
        let policy = BucketPolicy { bucket: bucket.bucket_name, policy_document: policy };
        Ok(self.scope.add("log-bucket-policy", policy)?.bucket)
    }

    fn load_balancer(
        &mut self,
        security_group: &Input<SecurityGroupId>,
        log_bucket: Option<&Input<BucketName>>,
    ) -> Result<OutputsOf<LoadBalancer>, DeclareError> {
        let args = self.args;
        let switch = |on: bool| if on { "true" } else { "false" };
        let mut attributes = vec![
            Attribute::new("deletion_protection.enabled", switch(args.deletion_protection)),
            Attribute::new("idle_timeout.timeout_seconds", args.idle_timeout.to_string()),
            Attribute::new("routing.http.desync_mitigation_mode", "defensive"),
            Attribute::new("routing.http.drop_invalid_header_fields.enabled", "true"),
            // Without WAF no request passes.
            Attribute::new("waf.fail_open.enabled", "false"),
            Attribute::new("zonal_shift.config.enabled", "true"),
        ];
        for logs in ["access_logs", "connection_logs"] {
            attributes.push(Attribute::new(&format!("{logs}.s3.enabled"), switch(log_bucket.is_some())));
            if let Some(bucket) = log_bucket {
                let bucket = bucket.text();
                attributes.push(Attribute::new(&format!("{logs}.s3.bucket"), bucket));
            }
        }
        let load_balancer = LoadBalancer {
            name: self.short_name("alb")?,
            kind: "application".to_owned(),
            scheme: self.scheme().to_owned(),
            vpc_id: self.inputs.vpc_id.clone(),
            subnets: self.subnets().to_vec(),
            security_groups: vec![security_group.clone()],
            load_balancer_attributes: attributes,
            tags: self.names.tags("alb"),
        };
        match args.deletion_protection {
            true => self.scope.add_protected("load-balancer", load_balancer),
            false => self.scope.add("load-balancer", load_balancer),
        }
    }

    /// A name that load balancers and target groups can have.
    fn short_name(&self, what: &str) -> Result<String, DeclareError> {
        let name = self.names.name(what);
        if name.len() <= MAX_NAME_LENGTH {
            return Ok(name);
        }
        let reason = format!("the name `{name}` has more than {MAX_NAME_LENGTH} characters");
        Err(DeclareError::argument("environment", reason, "choose a shorter one, or the default port"))
    }

    fn target_group(&mut self, color: &str) -> Result<OutputsOf<TargetGroup>, DeclareError> {
        let Args { target_port, target_protocol, health_check, .. } = self.args;
        // A group with another port or protocol is another group. It has a name of its own, so that it can be there before
        // the rules let the old one go.
        let what = match *target_port {
            DEFAULT_TARGET_PORT => color.to_owned(),
            port => format!("{color}-{port}"),
        };
        let what = match target_protocol {
            TargetProtocol::Http => what,
            TargetProtocol::Https => format!("{what}-tls"),
        };
        let delay = self.args.deregistration_delay.to_string();
        let group = TargetGroup {
            name: self.short_name(&what)?,
            vpc_id: self.inputs.vpc_id.clone(),
            target_type: "ip".to_owned(),
            protocol: target_protocol.name().to_owned(),
            protocol_version: "HTTP1".to_owned(),
            port: *target_port,
            health_check_protocol: target_protocol.name().to_owned(),
            health_check_port: "traffic-port".to_owned(),
            health_check_path: health_check.path.clone(),
            health_check_interval_seconds: health_check.interval,
            health_check_timeout_seconds: health_check.timeout,
            healthy_threshold_count: health_check.healthy,
            unhealthy_threshold_count: health_check.unhealthy,
            matcher: Matcher { http_code: "200".to_owned() },
            target_group_attributes: vec![
                Attribute::new("deregistration_delay.timeout_seconds", delay),
                Attribute::new("load_balancing.algorithm.type", "least_outstanding_requests"),
            ],
            tags: self.names.tags(&what),
        };
        self.scope.add(&format!("{color}-target-group"), group)
    }

    /// With a certificate, HTTPS, and HTTP only to send clients there (Security Hub ELB.1); without, HTTP. The one that
    /// answers is returned.
    fn listeners(
        &mut self,
        load_balancer: &Input<LoadBalancerArn>,
    ) -> Result<Input<ListenerArn>, DeclareError> {
        let certificate = self.args.certificate_arn.clone();
        let http = Listener {
            load_balancer_arn: load_balancer.clone(),
            port: HTTP,
            protocol: "HTTP".to_owned(),
            ssl_policy: None,
            certificates: Vec::new(),
            default_actions: vec![match certificate {
                Some(_) => Action::redirect_to_https(),
                None => Action::not_found(),
            }],
            rules: Vec::new(),
            listener_attributes: Vec::new(),
            tags: self.names.tags("http"),
        };
        let http = self.scope.add("http-listener", http)?.listener_arn;
        let Some(certificate_arn) = certificate else { return Ok(http) };
        let https = Listener {
            load_balancer_arn: load_balancer.clone(),
            port: HTTPS,
            protocol: "HTTPS".to_owned(),
            ssl_policy: Some(self.args.ssl_policy.clone()),
            certificates: vec![Certificate { certificate_arn }],
            default_actions: vec![Action::not_found()],
            rules: Vec::new(),
            listener_attributes: Vec::new(),
            tags: self.names.tags("https"),
        };
        Ok(self.scope.add("https-listener", https)?.listener_arn)
    }

    /// Both rules have both groups: ECS moves requests by their weights alone, and gives up where a group is missing.
    fn rule(
        &mut self,
        what: &str,
        listener: &Input<ListenerArn>,
        priority: u32,
        condition: Condition,
        groups: [(&Input<TargetGroupArn>, u32); 2],
    ) -> Result<Input<ListenerRuleArn>, DeclareError> {
        let rule = ListenerRule {
            listener_arn: listener.clone(),
            priority,
            conditions: vec![condition],
            actions: vec![Action::forward(groups.map(|(group, weight)| (group.clone(), weight)))],
            empty_groups: Vec::new(),
            tags: self.names.tags(what),
        };
        Ok(self.scope.add(&format!("{what}-rule"), rule)?.rule_arn)
    }

    fn firewall(&mut self, load_balancer: &Input<LoadBalancerArn>) -> Result<FirewallOutputs, DeclareError> {
        let firewall = Firewall {
            names: &self.names,
            place: &self.inputs.place,
            what: "waf",
            log: "alb",
            description: "Stands before the payment load balancer",
            by_address: self.args.by_address(self.inputs)?,
            retention: self.waf_retention,
            keep_logs: self.args.keep_logs,
            log_key: self.args.log_key.clone(),
        };
        firewall.declare(self.scope, load_balancer.text())
    }
}
