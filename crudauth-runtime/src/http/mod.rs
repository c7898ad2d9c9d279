//! HTTP: bodies, cookies, problems, the peer, the server.
