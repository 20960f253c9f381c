//! One request and its answer.

use std::pin::pin;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::{Outbound, OutboundError, OutboundUrl};

/// The most bytes of an answer's head, and of its body where nothing else is said.
const MOST: usize = 64 * 1024;

const USER_AGENT: &str = concat!("reoclo/", env!("CARGO_PKG_VERSION"));

/// What came back, whatever its status.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Outbound {
    /// Asks for `url` on a connection of its own.
    pub(crate) async fn get(
        &self,
        url: &OutboundUrl,
        authorization: Option<HeaderValue>,
    ) -> Result<Answer, OutboundError> {
        self.get_at_most(url, authorization, MOST).await
    }

    /// The same, for an answer whose body may have so many bytes.
    pub(crate) async fn get_at_most(
        &self,
        url: &OutboundUrl,
        authorization: Option<HeaderValue>,
        most: usize,
    ) -> Result<Answer, OutboundError> {
        let stream = TokioIo::new(self.connect(url).await?);
        let failed = |error| OutboundError::Http(url.authority(), error);
        let mut builder = http1::Builder::new();
        let (mut sender, connection) = builder
            .max_buf_size(MOST)
            .handshake(stream)
            .await
            .map_err(failed)?;
        let answer = async {
            let request = request(url, authorization);
            let response = sender.send_request(request).await.map_err(failed)?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, most).collect().await;
            let body = body.map_err(|_| OutboundError::TooLarge(url.authority()))?;
            Ok(Answer {
                status: head.status,
                headers: head.headers,
                body: body.to_bytes(),
            })
        };
        let (mut answer, mut connection) = (pin!(answer), pin!(connection));
        tokio::select! {
            biased;
            answer = answer.as_mut() => answer,
            // What had come before the connection ended may still wait to be read.
            _ = connection.as_mut() => answer.await,
        }
    }
}

fn request(url: &OutboundUrl, authorization: Option<HeaderValue>) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    // Both were read from a URL, so they are what they have to be.
    if let Ok(path) = url.path_and_query().parse() {
        *request.uri_mut() = path;
    }
    let headers = request.headers_mut();
    if let Ok(host) = HeaderValue::from_str(&url.authority()) {
        headers.insert(header::HOST, host);
    }
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    headers.insert(
        header::ACCEPT,
        HeaderValue::from_static("application/json, text/plain;q=0.9"),
    );
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    if let Some(value) = authorization {
        headers.insert(header::AUTHORIZATION, value);
    }
    request
}
