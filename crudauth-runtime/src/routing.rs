//! A router in which every route says who may call it, or the program does not compile.
//!
//! ```text
//! use crudauth::routing::{Router, get, post};
//!
//! let app = Router::new()
//!     .route("/", get(home))                    // #[public] async fn home() -> …
//!     .route("/team", post(create_team))        // #[require(verified)] async fn create_team(user: Principal<Auth>) -> …
//!     .mount(&auth)                             // the routes of `auth!`
//!     .with_state(auth);
//! println!("{}", app.routes());
//! crudauth::serve(listener, app).await?;
//! ```

use std::fmt;
use std::panic::Location;

use axum::extract::Request;
use axum::handler::Handler;
use axum::http::Method;
use axum::response::IntoResponse;
use axum::routing::{self as plain, Route};
use tower::{Layer, Service};

use crate::authority::Authority;
use crate::guard::Proofs;
use crate::http::origin::is_safe;
use crate::http::problem::Problem;
use crate::principal::{Principal, Public};
use crate::routes::{RouteInfo, RouteTable, asks_for_csrf, router};

/// A first parameter that says who may call a handler.
#[diagnostic::on_unimplemented(
    message = "this handler does not say who may call it",
    label = "its first parameter is `{Self}`, which is neither a principal nor `Public`",
    note = "write `#[require]` (or `#[require(verified)]`, …) above the handler and take `Principal<Auth>` first, or write `#[public]` if everybody may call it"
)]
pub trait DeclaresAccess {
    /// How the route table says it.
    fn access() -> String;
    /// Whether an unsafe request needs the CSRF token.
    fn csrf() -> bool;
}

impl<A: Authority, P: Proofs<A>> DeclaresAccess for Principal<A, P> {
    fn access() -> String {
        let mut words = vec!["signed in".to_owned()];
        words.extend(P::labels());
        words.join(", ")
    }
    fn csrf() -> bool {
        asks_for_csrf::<A>()
    }
}

impl<A: Authority, P: Proofs<A>> DeclaresAccess for Option<Principal<A, P>> {
    fn access() -> String {
        "optional".to_owned()
    }
    fn csrf() -> bool {
        asks_for_csrf::<A>()
    }
}

impl DeclaresAccess for Public {
    fn access() -> String {
        "public".to_owned()
    }
    fn csrf() -> bool {
        false
    }
}

/// The parameters of a handler, of which the first says who may call it.
#[diagnostic::on_unimplemented(
    message = "this handler does not say who may call it",
    label = "no declared access",
    note = "write `#[require]` (or `#[require(verified)]`, …) above the handler and take `Principal<Auth>` first, or write `#[public]` if everybody may call it"
)]
pub trait GuardedParams {
    /// How the route table says it.
    fn access() -> String;
    /// Whether an unsafe request needs the CSRF token.
    fn csrf() -> bool;
}

macro_rules! guarded_params {
    ($($more:ident)*) => {
        impl<M, First: DeclaresAccess, $($more),*> GuardedParams for (M, First, $($more,)*) {
            fn access() -> String {
                First::access()
            }
            fn csrf() -> bool {
                First::csrf()
            }
        }
    };
}
guarded_params!();
guarded_params!(T2);
guarded_params!(T2 T3);
guarded_params!(T2 T3 T4);
guarded_params!(T2 T3 T4 T5);
guarded_params!(T2 T3 T4 T5 T6);
guarded_params!(T2 T3 T4 T5 T6 T7);
guarded_params!(T2 T3 T4 T5 T6 T7 T8);
guarded_params!(T2 T3 T4 T5 T6 T7 T8 T9);
guarded_params!(T2 T3 T4 T5 T6 T7 T8 T9 T10);
guarded_params!(T2 T3 T4 T5 T6 T7 T8 T9 T10 T11);
guarded_params!(T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12);
guarded_params!(T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 T13);
guarded_params!(T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 T13 T14);
guarded_params!(T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 T13 T14 T15);
guarded_params!(T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 T13 T14 T15 T16);

struct Declared {
    method: Method,
    access: String,
    csrf: bool,
    place: &'static Location<'static>,
}

/// The handlers of one path.
pub struct MethodRouter<S = ()> {
    inner: plain::MethodRouter<S>,
    declared: Vec<Declared>,
}

impl<S> fmt::Debug for MethodRouter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.declared.iter().map(|declared| &declared.method))
            .finish()
    }
}

macro_rules! methods {
    ($($name:ident $method:ident),*) => {
        $(
            #[doc = concat!("Answers ", stringify!($method), " with a handler whose first parameter says who may call it.")]
            #[track_caller]
            pub fn $name<H, T, S>(handler: H) -> MethodRouter<S>
            where
                H: Handler<T, S>,
                T: GuardedParams + 'static,
                S: Clone + Send + Sync + 'static,
            {
                MethodRouter { inner: plain::MethodRouter::new(), declared: Vec::new() }.$name(handler)
            }
        )*

        impl<S: Clone + Send + Sync + 'static> MethodRouter<S> {
            $(
                #[doc = concat!("Answers ", stringify!($method), " too.")]
                #[track_caller]
                #[must_use]
                pub fn $name<H, T>(mut self, handler: H) -> Self
                where
                    H: Handler<T, S>,
                    T: GuardedParams + 'static,
                {
                    self.declared.push(Declared { method: Method::$method, access: T::access(), csrf: T::csrf(), place: Location::caller() });
                    Self { inner: self.inner.$name(handler), declared: self.declared }
                }
            )*
        }
    };
}

methods!(get GET, post POST, put PUT, patch PATCH, delete DELETE, head HEAD, options OPTIONS);

/// A router that knows who may call what. Becomes an [`axum::Router`] with `into()`, or is handed to
/// [`serve`](crate::http::serve::serve) as it is.
pub struct Router<S = ()> {
    inner: axum::Router<S>,
    table: RouteTable,
}

impl<S> fmt::Debug for Router<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.table, f)
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Router<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Clone + Send + Sync + 'static> Router<S> {
    /// No routes yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            inner: axum::Router::new(),
            table: RouteTable::default(),
        }
    }

    /// Adds a path. The same path may be added again with other methods.
    #[must_use]
    pub fn route(mut self, path: &str, methods: MethodRouter<S>) -> Self {
        for Declared {
            method,
            access,
            csrf,
            place,
        } in methods.declared
        {
            let declared = Some(format!("{}:{}", place.file(), place.line()));
            let csrf = csrf && !is_safe(&method);
            self.table.push(RouteInfo {
                method,
                path: path.to_owned(),
                access,
                csrf,
                limit: None,
                declared,
            });
        }
        Self {
            inner: self.inner.route(path, methods.inner),
            ..self
        }
    }

    /// Adds the routes of an `auth!` block.
    #[must_use]
    pub fn mount<A: Authority>(mut self, auth: &A) -> Self {
        self.table.extend(RouteTable::of(auth));
        Self {
            inner: self.inner.merge(router(auth)),
            ..self
        }
    }

    /// Adds the routes of another router of this kind.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.table.extend(other.table);
        Self {
            inner: self.inner.merge(other.inner),
            ..self
        }
    }

    /// Adds the routes of another router of this kind below `path`.
    #[must_use]
    pub fn nest(mut self, path: &str, other: Self) -> Self {
        self.table.extend(other.table.nested(path));
        Self {
            inner: self.inner.nest(path, other.inner),
            ..self
        }
    }

    /// Adds routes that nobody has checked: the handlers of a plain axum router say nothing about who may call them.
    ///
    /// # Security
    /// The route table lists it as `unchecked`, with the place of this call, because its routes are not known.
    #[track_caller]
    #[must_use]
    pub fn merge_unchecked(mut self, other: axum::Router<S>) -> Self {
        let place = Location::caller();
        self.table.push(RouteInfo {
            method: Method::from_bytes(b"ANY").unwrap_or(Method::GET),
            path: "?".to_owned(),
            access: "unchecked".to_owned(),
            csrf: false,
            limit: None,
            declared: Some(format!("{}:{}", place.file(), place.line())),
        });
        Self {
            inner: self.inner.merge(other),
            ..self
        }
    }

    /// Applies a tower layer to every route so far.
    #[must_use]
    pub fn layer<L>(self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<std::convert::Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        Self {
            inner: self.inner.layer(layer),
            ..self
        }
    }

    /// Gives the handlers their state.
    #[must_use]
    pub fn with_state<S2: Clone + Send + Sync + 'static>(self, state: S) -> Router<S2> {
        Router {
            inner: self.inner.with_state(state),
            table: self.table,
        }
    }

    /// Every route with its access.
    #[must_use]
    pub fn routes(&self) -> &RouteTable {
        &self.table
    }

    /// The plain router, with the contract's bodies for unknown paths and methods.
    pub fn into_axum(self) -> axum::Router<S> {
        self.inner
            .fallback(async || Problem::NotFound)
            .method_not_allowed_fallback(async || Problem::MethodNotAllowed)
    }
}

impl<S: Clone + Send + Sync + 'static> From<Router<S>> for axum::Router<S> {
    fn from(router: Router<S>) -> Self {
        router.into_axum()
    }
}
