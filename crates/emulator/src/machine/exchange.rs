//! One request of HTTP, for who has it as such: a server of one's own, or a test of what no SDK sends.

use http::{Request, Response, StatusCode};

use crate::machine::emulator::Emulator;
use crate::protocol::request::Http;

impl Emulator {
    /// Answers a request. Its URI has a host, as a client would name it; a signature is not checked, but says which service and
    /// region the request is for. Requests to the registry of images (`https://123456789012.dkr.ecr.REGION.amazonaws.com/v2/…`) have a
    /// token of ECR's instead. `None` where the answer is lost, which happens only by a fault that was asked for.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let form = "Action=GetCallerIdentity&Version=2011-06-15";
    /// let request = http::Request::post("https://sts.amazonaws.com/")
    ///     .header("content-type", "application/x-www-form-urlencoded")
    ///     .header("authorization", "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/sts/aws4_request")
    ///     .body(form.into())?;
    /// let answer = emulator::Emulator::in_memory().exchange(request).await.expect("nothing is lost");
    /// assert_eq!(answer.status(), 200);
    /// # Ok::<(), http::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn exchange(&self, request: Request<Vec<u8>>) -> Option<Response<Vec<u8>>> {
        let (parts, body) = request.into_parts();
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let http = Http {
            method: parts.method.to_string(),
            uri: parts.uri.to_string(),
            headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body,
        };
        let answer = self.answer(http).await.ok()?;
        let mut response = Response::new(answer.body);
        *response.status_mut() =
            StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in answer.headers {
            let header = http::HeaderName::try_from(name).ok().zip(http::HeaderValue::try_from(value).ok());
            if let Some((name, value)) = header {
                response.headers_mut().append(name, value);
            }
        }
        Some(response)
    }
}
