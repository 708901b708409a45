//! Where requests to the stage arrive: the path that the load balancer sees is the one that was called, whatever API Gateway
//! would put before it.

use apigw::{Args, Inputs, Outputs};
use emulator::{ApiRequest, IntegrationRequest, Routed, ServedStage};
use engine::Resolved;
use testing::{REGION, World};

use crate::support::{private, tier, world};

pub(crate) async fn served(world: &World, outputs: &Outputs<Resolved>) -> ServedStage {
    let (api, stage) = (outputs.api_id.as_str(), outputs.stage_name.as_str());
    world.emulator.stage(REGION, api, stage).await.unwrap().unwrap()
}

fn request<'a>(verb: &'a str, path: &'a str) -> ApiRequest<'a> {
    let json = !["GET", "HEAD"].contains(&verb);
    let (content_type, body) = if json { (Some("application/json"), r#"{"amount":1}"#) } else { (None, "") };
    ApiRequest { verb, path, content_type, body }
}

fn sent(stage: &ServedStage, request: &ApiRequest<'_>) -> IntegrationRequest {
    match stage.route(request) {
        Routed::Sent(sent) => sent,
        other => panic!("{request:?}: {other:?}"),
    }
}

const CALLS: [(&str, &str); 7] = [
    ("GET", "/health"),
    ("GET", "/payments"),
    ("HEAD", "/payments"),
    ("POST", "/payments"),
    ("DELETE", "/payments/1"),
    ("GET", "/payments/1/refunds"),
    ("PUT", "/accounts"),
];

async fn deployed(args: Args, way: fn(Inputs) -> Inputs) -> (Inputs, ServedStage) {
    let (world, inputs) = world().await;
    let inputs = way(inputs);
    let outputs = world.create(&tier(args.clone()), &inputs).await;
    world.assert_settled(&tier(args), &inputs).await;
    (inputs, served(&world, &outputs).await)
}

#[tokio::test(start_paused = true)]
async fn through_a_link_and_over_the_internet_the_path_is_the_one_that_was_called() {
    for way in [private, |inputs| inputs] {
        for prefix in ["", "/v1"] {
            let args = Args { backend_path: prefix.to_owned(), ..Args::default() };
            let (inputs, stage) = deployed(args, way).await;
            let host = format!("http://{}", inputs.backend.alb_dns_name.literal().unwrap());
            for (verb, path) in CALLS {
                let request = request(verb, path);
                let sent = sent(&stage, &request);
                assert_eq!(sent.path, format!("{prefix}{path}"), "{verb}");
                assert_eq!((sent.host.as_str(), sent.verb.as_str()), (host.as_str(), verb));
                assert_eq!(sent.body, request.body, "{verb} {path}");
                let target = inputs.backend.alb_arn.literal().filter(|_| inputs.backend.private);
                assert_eq!(sent.target.as_deref(), target.map(|arn| arn.as_str()));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn through_a_link_a_body_that_is_not_json_is_refused_instead_of_sent_to_another_path() {
    let (_, stage) = deployed(Args::default(), private).await;
    let form = ApiRequest { content_type: Some("text/csv"), ..request("POST", "/payments") };
    assert_eq!(stage.route(&form), Routed::Answered(415));
    let charset = ApiRequest { content_type: Some("application/json; charset=utf-8"), ..form };
    assert_eq!(sent(&stage, &charset).path, "/payments");
    // Over the internet nothing is put before the path, so that everything can be passed on.
    let (_, stage) = deployed(Args::default(), |inputs| inputs).await;
    assert_eq!(sent(&stage, &form).path, "/payments");
}
