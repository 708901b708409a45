"""What moto does otherwise than AWS, mended: answers that a client cannot read that reads what AWS writes, answers that lack what
AWS tells, and operations that it does not have and that nothing can be deployed without.

A module for each service. Each mend says what is wrong, and the page of AWS's documentation that has it right; nothing here makes
up for what the stack does. Importing a module mends.
"""

from . import apigateway, autoscaling, awslambda, cloudwatch, ec2, ecs, elbv2, iam, rds, s3

__all__ = ["apigateway", "autoscaling", "awslambda", "cloudwatch", "ec2", "ecs", "elbv2", "iam", "rds", "s3"]
