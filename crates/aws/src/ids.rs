//! Newtypes for AWS's ids, so that one kind of id cannot stand where another belongs.

engine::id! {
    /// A VPC's id, such as `vpc-0a1b2c3d4e5f60718`.
    pub struct VpcId;
    /// A subnet's id, such as `subnet-0a1b2c3d4e5f60718`.
    pub struct SubnetId;
    /// A NAT gateway's id, such as `nat-0a1b2c3d4e5f60718`.
    pub struct NatGatewayId;
    /// A security group's id, such as `sg-0a1b2c3d4e5f60718`.
    pub struct SecurityGroupId;
    /// An IAM role's ARN, such as `arn:aws:iam::123456789012:role/payments`.
    pub struct RoleArn;
    /// An IAM role's name.
    pub struct RoleName;
    /// A log group's ARN as CloudFormation gives it, ending in `:*`: the form that IAM policies need to cover
    /// the group's streams.
    pub struct LogGroupArn;
    /// A log group's name, such as `/aws/vpc/payment-flow-logs-dev`.
    pub struct LogGroupName;
    /// A KMS key's ARN.
    pub struct KeyArn;
    /// A KMS key's id, such as `1234abcd-12ab-34cd-56ef-1234567890ab`.
    pub struct KeyId;
    /// The name of a KMS key's alias, such as `alias/payment-database-dev`.
    pub struct KeyAlias;
    /// The id of a rule of a security group, such as `sgr-0a1b2c3d4e5f60718`.
    pub struct SecurityGroupRuleId;
    /// A load balancer's ARN.
    pub struct LoadBalancerArn;
    /// The ARN of a target group.
    pub struct TargetGroupArn;
    /// The ARN of a load balancer's listener.
    pub struct ListenerArn;
    /// The ARN of a rule of a listener.
    pub struct ListenerRuleArn;
    /// A web ACL's ARN.
    pub struct WebAclArn;
    /// A web ACL's id, such as `1234abcd-12ab-34cd-56ef-1234567890ab`.
    pub struct WebAclId;
    /// The name of a queue.
    pub struct QueueName;
    /// The ARN of a queue.
    pub struct QueueArn;
    /// The URL of a queue, by which SQS's calls name it.
    pub struct QueueUrl;
    /// The ARN of a secret, with the six characters that Secrets Manager adds to its name.
    pub struct SecretArn;
    /// The name of an Aurora cluster.
    pub struct DbClusterId;
    /// The name of an ECS cluster.
    pub struct EcsClusterName;
    /// The name of an ECS service, unique in its cluster.
    pub struct EcsServiceName;
    /// The ARN of an SNS topic.
    pub struct TopicArn;
    /// The ARN of a CloudWatch alarm, metric or composite.
    pub struct AlarmArn;
    /// The name of a CloudWatch alarm, unique in account and region.
    pub struct AlarmName;
}
