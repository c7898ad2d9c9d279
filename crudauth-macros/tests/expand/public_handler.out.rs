async fn landing(_: ::crudauth::__private::Public) {}
