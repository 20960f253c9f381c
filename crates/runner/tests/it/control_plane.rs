//! Something that answers as a control plane does, as far as a runner sees it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use reoclo_wire::byte_stream::{ByteStream, Codec, Received};
use reoclo_wire::enrolment::{EnrolReply, EnrolRequest};
use reoclo_wire::handshake::{Challenge, CloseCode, Proof, Welcome, verify};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use crate::supervisor::Client;

pub const CONTROL_PLANE: &str = "0190b6f2-6f0c-7cc3-98c5-0000000000c0";
pub const SERVER: &str = "0190b6f2-6f0c-7cc3-98c5-0000000000a0";
pub const ORGANIZATION: &str = "0190b6f2-6f0c-7cc3-98c5-0000000000b0";

/// What becomes of the next request, instead of what it asks for.
pub enum Plan {
    Answer(StatusCode, HeaderMap, &'static str),
    /// Taken, and never answered.
    Silence,
}

pub struct ControlPlane {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    sockets: mpsc::UnboundedReceiver<Link>,
}

struct Shared {
    plans: Mutex<VecDeque<Plan>>,
    enrolments: Mutex<Vec<EnrolRequest>>,
    /// Each request's path, as it comes.
    paths: Mutex<Vec<String>>,
    sockets: mpsc::UnboundedSender<Link>,
}

impl ControlPlane {
    pub async fn start() -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").await.unwrap(), None)
    }

    pub fn listen(listener: TcpListener, tls: Option<TlsAcceptor>) -> Self {
        let (sender, sockets) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            plans: Mutex::default(),
            enrolments: Mutex::default(),
            paths: Mutex::default(),
            sockets: sender,
        });
        let address = listener.local_addr().unwrap();
        tokio::spawn(accept(listener, tls, Arc::clone(&shared)));
        Self {
            address,
            shared,
            sockets,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn plan(&self, plan: Plan) {
        self.shared.plans.lock().unwrap().push_back(plan);
    }

    pub fn enrolments(&self) -> Vec<EnrolRequest> {
        self.shared.enrolments.lock().unwrap().clone()
    }

    pub fn requests(&self, path: &str) -> usize {
        let paths = self.shared.paths.lock().unwrap();
        paths.iter().filter(|seen| *seen == path).count()
    }

    /// The next WebSocket, before its handshake.
    pub async fn socket(&mut self) -> Link {
        self.sockets.recv().await.unwrap()
    }

    /// The next runner that stays, welcomed. One whose supervisor was just killed may still have
    /// reached its socket, and comes again.
    pub async fn runner(&mut self) -> Client {
        loop {
            let mut link = self.socket().await;
            link.challenge().await;
            link.welcome().await;
            if let Some(client) = link.client().await {
                return client;
            }
        }
    }
}

/// A WebSocket with a runner behind it.
pub struct Link(pub WebSocketStream<TokioIo<Upgraded>>);

impl Link {
    /// Challenges, and gives the proof.
    pub async fn challenge(&mut self) -> (Challenge, Proof) {
        self.challenge_as(CONTROL_PLANE).await.unwrap()
    }

    pub async fn challenge_as(&mut self, id: &str) -> Option<(Challenge, Proof)> {
        let challenge = Challenge::new(id, &[7; 32]);
        self.send(&challenge).await;
        let text = self.0.next().await?.ok()?.into_text().ok()?;
        Some((challenge, serde_json::from_str(&text).ok()?))
    }

    pub async fn welcome(&mut self) {
        self.send(&Welcome::default()).await;
    }

    pub async fn close(mut self, code: CloseCode) {
        let frame = CloseFrame {
            code: code.code().into(),
            reason: "because".into(),
        };
        self.0.close(Some(frame)).await.unwrap();
        while let Some(Ok(_)) = self.0.next().await {}
    }

    async fn send<T: serde::Serialize>(&mut self, message: &T) {
        let text = serde_json::to_string(message).unwrap();
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// The link on top.
    pub async fn client(self) -> Option<Client> {
        Client::try_open(ByteStream::new(self.0, codec())).await
    }
}

pub fn codec() -> Codec<Message> {
    Codec {
        wrap: Message::Binary,
        open: |message| match message {
            Message::Binary(bytes) => Received::Bytes(bytes),
            Message::Close(_) => Received::Close,
            _ => Received::Control,
        },
    }
}

pub fn is_proven(enrolment: &EnrolRequest, challenge: &Challenge, proof: &Proof) -> bool {
    use base64::Engine;
    let key = base64::engine::general_purpose::STANDARD.decode(&enrolment.public_key);
    verify(&key.unwrap(), challenge, proof)
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (tls, shared) = (tls.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            match tls {
                None => serve(stream, shared).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => serve(stream, shared).await,
                    Err(_) => shared.paths.lock().unwrap().push("no TLS".to_owned()),
                },
            }
        });
    }
}

async fn serve(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, shared: Arc<Shared>) {
    let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(io), service);
    let _ = connection.with_upgrades().await;
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    shared.paths.lock().unwrap().push(path.clone());
    let plan = shared.plans.lock().unwrap().pop_front();
    if path == "/runner/v1/enrol" {
        return Ok(enrol(request, plan, &shared).await);
    }
    match plan {
        None => Ok(upgrade(request, &shared)),
        Some(plan) => Ok(planned(plan).await),
    }
}

async fn planned(plan: Plan) -> Response<Full<Bytes>> {
    match plan {
        Plan::Silence => std::future::pending().await,
        Plan::Answer(status, headers, body) => {
            let mut response = Response::new(Full::from(body));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            response
        }
    }
}

async fn enrol(
    request: Request<Incoming>,
    plan: Option<Plan>,
    shared: &Shared,
) -> Response<Full<Bytes>> {
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let request = serde_json::from_slice(&body).unwrap();
    shared.enrolments.lock().unwrap().push(request);
    if let Some(plan) = plan {
        return planned(plan).await;
    }
    let reply = EnrolReply {
        server_id: SERVER.to_owned(),
        organization_id: ORGANIZATION.to_owned(),
        control_plane_id: CONTROL_PLANE.to_owned(),
    };
    Response::new(Full::from(serde_json::to_vec(&reply).unwrap()))
}

fn upgrade(request: Request<Incoming>, shared: &Arc<Shared>) -> Response<Full<Bytes>> {
    let key = request.headers()[header::SEC_WEBSOCKET_KEY].clone();
    let sockets = shared.sockets.clone();
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else {
            return;
        };
        let io = TokioIo::new(upgraded);
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
        let _ = sockets.send(Link(socket));
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(
            header::SEC_WEBSOCKET_ACCEPT,
            derive_accept_key(key.as_bytes()),
        )
        .body(Full::default())
        .unwrap()
}
