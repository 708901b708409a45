"""CloudWatch, X-Ray and Backup: what watches and keeps."""

import json

from ..steps import ACCOUNT, REGION, TAG, Kind, call, pages, pairs, tagged, wait

ALARM = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm"
DASHBOARD = json.dumps({"widgets": [{"type": "text", "x": 0, "y": 0, "width": 6, "height": 3,
                                     "properties": {"markdown": TAG}}]})
# AWS Backup's own document has the first, and clients that were written against it look for the second.
GONE = ("ResourceNotFoundException", "InvalidParameterValueException")
RULE = {"RuleName": "check", "ResourceARN": "*", "Priority": 100, "FixedRate": 0.05, "ReservoirSize": 0, "ServiceName": "*",
        "ServiceType": "*", "Host": "*", "HTTPMethod": "*", "URLPath": "*", "Version": 1}


def alarm_tags(name):
    return tagged(("cloudwatch.TagResource", {"ResourceARN": f"{ALARM}:{name}", "Tags": pairs()}),
                  ("cloudwatch.ListTagsForResource", {"ResourceARN": f"{ALARM}:{name}"}),
                  ("cloudwatch.UntagResource", {"ResourceARN": f"{ALARM}:{name}", "TagKeys": ["Author"]}), "Tags")


def xray_tags(arn):
    return tagged(("xray.TagResource", {"ResourceARN": arn, "Tags": pairs()}),
                  ("xray.ListTagsForResource", {"ResourceARN": arn}),
                  ("xray.UntagResource", {"ResourceARN": arn, "TagKeys": ["Author"]}), "Tags")


def backup_tags(arn):
    return tagged(("backup.TagResource", {"ResourceArn": arn, "Tags": {"Author": TAG}}),
                  ("backup.ListTags", {"ResourceArn": arn}),
                  ("backup.UntagResource", {"ResourceArn": arn, "TagKeyList": ["Author"]}), "Tags", key=None)


KINDS = [
    Kind(
        "AWS::CloudWatch::Alarm",
        make=[
            call("cloudwatch.PutMetricAlarm", AlarmName=name, Namespace="AWS/ECS", MetricName="CPUUtilization",
                 Dimensions=[{"Name": "ClusterName", "Value": "check"}], Statistic="Average", Period=300,
                 EvaluationPeriods=2, Threshold=80.5, ComparisonOperator="GreaterThanThreshold",
                 TreatMissingData="notBreaching", AlarmActions=["{topic}"])
            for name in ("check", "other")
        ] + [
            wait("cloudwatch.AlarmExists", AlarmNames=["check", "other"]),
            pages("cloudwatch.DescribeAlarms", size=1,
                  expect={"MetricAlarms[AlarmName=check].Threshold": 80.5,
                          "MetricAlarms[AlarmName=check].ActionsEnabled": True,
                          "MetricAlarms[AlarmName=other].Dimensions[0].Value": "check"}),
        ],
        tag=alarm_tags("check"),
        remove=[
            call("cloudwatch.DeleteAlarms", AlarmNames=["check", "other"]),
            call("cloudwatch.DescribeAlarms", AlarmNames=["check"], expect={"MetricAlarms[0]": None}),
        ],
    ),
    Kind(
        "AWS::CloudWatch::CompositeAlarm",
        make=[
            call("cloudwatch.PutCompositeAlarm", AlarmName="both", AlarmRule="ALARM(check) AND ALARM(other)"),
            wait("cloudwatch.CompositeAlarmExists", AlarmNames=["both"], AlarmTypes=["CompositeAlarm"]),
            call("cloudwatch.DescribeAlarms", AlarmNames=["both"], AlarmTypes=["CompositeAlarm"],
                 expect={"CompositeAlarms[0].AlarmRule": "ALARM(check) AND ALARM(other)"}),
            call("cloudwatch.DeleteAlarms", AlarmNames=["check"], refused=("ValidationError", "ValidationException")),
        ],
        tag=alarm_tags("both"),
        remove=[
            call("cloudwatch.DeleteAlarms", AlarmNames=["both"]),
            call("cloudwatch.DescribeAlarms", AlarmNames=["both"], AlarmTypes=["CompositeAlarm"],
                 expect={"CompositeAlarms[0]": None}),
        ],
    ),
    Kind(
        "AWS::CloudWatch::Dashboard",
        make=[
            call("cloudwatch.PutDashboard", DashboardName="check", DashboardBody=DASHBOARD,
                 expect={"DashboardValidationMessages[0]": None}),
            call("cloudwatch.GetDashboard", DashboardName="check", expect={"DashboardBody": DASHBOARD}),
            pages("cloudwatch.ListDashboards", expect={"DashboardEntries[0].DashboardName": "check"}),
        ],
        remove=[
            call("cloudwatch.DeleteDashboards", DashboardNames=["check"]),
            call("cloudwatch.GetDashboard", DashboardName="check",
                 refused=("ResourceNotFound", "DashboardNotFoundError", "ResourceNotFoundException")),
        ],
    ),
    Kind(
        "AWS::XRay::Group",
        make=[
            call("xray.CreateGroup", GroupName="check", FilterExpression="service(\"check\")",
                 save={"xray_group": "Group.GroupARN"}),
            call("xray.GetGroup", GroupName="check",
                 expect={"Group.FilterExpression": "service(\"check\")",
                         "Group.InsightsConfiguration.InsightsEnabled": False}),
            pages("xray.GetGroups", expect={"Groups[GroupName=check].GroupARN": "{xray_group}"}),
        ],
        tag=xray_tags("{xray_group}"),
        remove=[
            call("xray.DeleteGroup", GroupName="check"),
            call("xray.GetGroup", GroupName="check", refused="InvalidRequestException"),
        ],
    ),
    Kind(
        "AWS::XRay::SamplingRule",
        make=[
            call("xray.CreateSamplingRule", SamplingRule=RULE, save={"sampling": "SamplingRuleRecord.SamplingRule.RuleARN"}),
            pages("xray.GetSamplingRules",
                  expect={"SamplingRuleRecords[1].SamplingRule.RuleName": {"$any": True}}),
        ],
        tag=xray_tags("{sampling}"),
        remove=[
            call("xray.DeleteSamplingRule", RuleName="check"),
            call("xray.DeleteSamplingRule", RuleName="check", refused="InvalidRequestException"),
        ],
    ),
    Kind(
        "AWS::Backup::BackupVault",
        make=[
            call("backup.CreateBackupVault", BackupVaultName="check", save={"vault": "BackupVaultArn"}),
            call("backup.CreateBackupVault", BackupVaultName="other"),
            call("backup.DescribeBackupVault", BackupVaultName="check", expect={"NumberOfRecoveryPoints": 0, "Locked": False}),
            pages("backup.ListBackupVaults", size=1,
                  expect={"BackupVaultList[BackupVaultName=check].BackupVaultArn": "{vault}",
                          "BackupVaultList[BackupVaultName=other].VaultType": "BACKUP_VAULT"}),
        ],
        tag=backup_tags("{vault}"),
        remove=[
            call("backup.DeleteBackupVault", BackupVaultName="check"),
            call("backup.DeleteBackupVault", BackupVaultName="other"),
            call("backup.DescribeBackupVault", BackupVaultName="check",
                 refused=("ResourceNotFoundException", "AccessDeniedException")),
        ],
    ),
    Kind(
        "AWS::Backup::BackupPlan",
        make=[
            call("backup.CreateBackupPlan", BackupPlan={"BackupPlanName": "check", "Rules": [
                {"RuleName": "daily", "TargetBackupVaultName": "check", "ScheduleExpression": "cron(0 5 * * ? *)",
                 "StartWindowMinutes": 60, "Lifecycle": {"DeleteAfterDays": 35}}]},
                 save={"backup_plan": "BackupPlanId", "backup_plan_arn": "BackupPlanArn"}),
            call("backup.GetBackupPlan", BackupPlanId="{backup_plan}",
                 expect={"BackupPlan.Rules[0].Lifecycle.DeleteAfterDays": 35, "BackupPlan.Rules[0].RuleName": "daily"}),
            pages("backup.ListBackupPlans", size=1, expect={"BackupPlansList[0].BackupPlanName": "check"}),
        ],
        tag=backup_tags("{backup_plan_arn}"),
        remove=[
            call("backup.DeleteBackupPlan", BackupPlanId="{backup_plan}"),
            call("backup.GetBackupPlan", BackupPlanId="{backup_plan}", refused=GONE),
        ],
    ),
    Kind(
        "AWS::Backup::BackupSelection",
        make=[
            call("backup.CreateBackupSelection", BackupPlanId="{backup_plan}", BackupSelection={
                "SelectionName": "check", "IamRoleArn": "{role}", "Resources": ["{cluster_arn}"]},
                 save={"selection": "SelectionId"}),
            call("backup.GetBackupSelection", BackupPlanId="{backup_plan}", SelectionId="{selection}",
                 expect={"BackupSelection.Resources[0]": "{cluster_arn}"}),
            pages("backup.ListBackupSelections", BackupPlanId="{backup_plan}", size=1,
                  expect={"BackupSelectionsList[0].SelectionName": "check"}),
        ],
        remove=[
            call("backup.DeleteBackupPlan", BackupPlanId="{backup_plan}", refused="InvalidRequestException"),
            call("backup.DeleteBackupSelection", BackupPlanId="{backup_plan}", SelectionId="{selection}"),
            call("backup.GetBackupSelection", BackupPlanId="{backup_plan}", SelectionId="{selection}", refused=GONE),
        ],
    ),
]
