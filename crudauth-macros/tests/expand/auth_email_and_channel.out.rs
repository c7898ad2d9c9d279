///The application's sign-in: cheap to clone, and at home in its state.
#[derive(::core::clone::Clone)]
pub struct Auth {
    #[doc(hidden)]
    __core: ::std::sync::Arc<::crudauth::__private::Core<Auth>>,
}
const _: () = {
    use ::crudauth::__private as __p;
    #[automatically_derived]
    impl ::core::fmt::Debug for Auth {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.write_str("Auth")
        }
    }
    #[automatically_derived]
    impl __p::Schema for Auth {
        type User = User;
        type Prefix = __p::DefaultPrefix;
    }
    #[automatically_derived]
    impl __p::Authority for Auth {
        type Hooks = MyHooks;
        const NAME: &'static str = "Auth";
        const POLICY: __p::Policy = {
            let mut p = __p::Policy::DEFAULT;
            p.recovery.mail = true;
            p.recovery.reset_path = "/new-password";
            p.recovery.channel = true;
            p
        };
        const TRANSPORTS: &'static [__p::Transport<Self>] = &[
            __p::session::transport::<Self>(),
        ];
        const FEATURES: &'static [__p::Feature<Self>] = &[
            __p::account::feature::<Self>(),
            __p::recovery::feature::<Self>(),
            __p::email_change::feature::<Self>(),
            __p::session::feature::<Self>(),
        ];
        const DRIVERS: &'static [__p::Driver<Self>] = &[
            __p::driver::<Self, __p::Sqlite>(),
        ];
        fn from_core(core: ::std::sync::Arc<__p::Core<Self>>) -> Self {
            Self { __core: core }
        }
        fn core(&self) -> &::std::sync::Arc<__p::Core<Self>> {
            &self.__core
        }
    }
    #[automatically_derived]
    impl __p::Declares<__p::Sqlite> for Auth {}
    #[automatically_derived]
    impl __p::session::HasSession for Auth {
        const SESSION: __p::SessionPolicy = __p::SessionPolicy::DEFAULT;
    }
    #[allow(dead_code)]
    #[automatically_derived]
    impl Auth {
        /// Opens the database at `url` when the builder is awaited or built.
        pub fn connect(
            url: impl ::core::convert::Into<::std::string::String>,
        ) -> __p::Builder<
            Self,
            __p::Wiring<__p::NeedsHooks, __p::NeedsMailer, __p::NeedsChannel>,
        > {
            __p::Builder::connect(url)
        }
        /// Builds on a pool of the application's own.
        pub fn builder(
            pool: impl __p::IntoStore<Self>,
        ) -> __p::Builder<
            Self,
            __p::Wiring<__p::NeedsHooks, __p::NeedsMailer, __p::NeedsChannel>,
        > {
            __p::Builder::over(pool)
        }
        /// Creates or upgrades crudauth's own tables; safe to run again and from several processes at once.
        ///
        /// # Errors
        /// When the database refuses.
        pub async fn migrate(pool: impl __p::IntoStore<Self>) -> __p::Result<()> {
            __p::migrate::<Self>(pool).await
        }
        /// The definitions of crudauth's own tables, for those who use their own migration tool.
        #[must_use = "the text has to be run"]
        pub fn schema_sql(dialect: __p::DialectName) -> ::std::string::String {
            __p::schema_sql::<Self>(dialect)
        }
        /// Every declared route; merges into any application.
        #[must_use = "a router does nothing until it is merged into the application's"]
        pub fn router<
            S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync
                + 'static,
        >(&self) -> __p::axum::Router<S> {
            __p::router(self)
        }
        /// The account routes alone (`/register`, `/me`, `/set-password`, `/change-password`), for mounting them apart.
        #[must_use = "a router does nothing until it is merged into the application's"]
        pub fn account_router<
            S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync
                + 'static,
        >(&self) -> __p::axum::Router<S> {
            __p::feature_router(self, "account")
        }
        /// Every declared route with its access, printable and testable.
        #[must_use = "the table is for printing and testing"]
        pub fn routes(&self) -> __p::RouteTable {
            __p::routes(self)
        }
        /// The accounts, for the application's own code: find, create, disable, grant.
        #[must_use = "a handle does nothing by itself"]
        pub fn users(&self) -> __p::UsersHandle<'_, Self> {
            __p::UsersHandle::new(self)
        }
        /// Stops the background tasks and waits for what they are doing.
        pub async fn shutdown(&self) {
            __p::shutdown(self).await;
        }
        /// Delivers the messages that are due, where no worker does: in tests, and in jobs that end with their work. Says
        /// how many were finished.
        ///
        /// # Errors
        /// When the database cannot be asked.
        pub async fn run_due(&self) -> __p::Result<u64> {
            __p::run_due(self).await
        }
        /// The routes of recovery alone (`/email/verify-…`, `/password/reset-…`), for mounting them apart from the others.
        #[must_use = "a router does nothing until it is merged into the application's"]
        pub fn recovery_router<
            S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync
                + 'static,
        >(&self) -> ::crudauth::__private::axum::Router<S> {
            __p::feature_router(self, "recovery")
        }
        /// The routes that change the address alone (`/email/change-…`), for mounting them apart from the others.
        #[must_use = "a router does nothing until it is merged into the application's"]
        pub fn email_change_router<
            S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync
                + 'static,
        >(&self) -> ::crudauth::__private::axum::Router<S> {
            __p::feature_router(self, "email_change")
        }
        /// The session's routes alone, for mounting them apart from the others.
        #[must_use = "a router does nothing until it is merged into the application's"]
        pub fn session_router<
            S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync
                + 'static,
        >(&self) -> ::crudauth::__private::axum::Router<S> {
            __p::feature_router(self, "session")
        }
        /// The sessions of every account: list them, end them.
        #[must_use = "a handle does nothing by itself"]
        pub fn sessions(&self) -> __p::SessionsHandle<'_, Self> {
            __p::SessionsHandle::new(self)
        }
    }
    const _: fn() = || {
        __p::need_email::<User>();
        __p::need_proof::<User>();
        __p::need_hooks::<MyHooks, User>();
        __p::need_transport_session::<Auth>();
    };
};
