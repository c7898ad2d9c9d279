//! The tables that are there, as the database describes them.

/// One column of a live table, as the database describes it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent fact of the catalogue"
)]
#[derive(Debug, Clone)]
pub struct LiveColumn {
    /// Its name.
    pub name: String,
    /// Its declared type, as the product spells it.
    pub sql_type: String,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// Whether an INSERT may leave it out.
    pub has_default: bool,
    /// Whether a single-column unique index or primary key covers it.
    pub unique: bool,
    /// Whether the database computes it, whatever an INSERT says.
    pub computed: bool,
    /// Whether the database may give a deleted row's key to a new row.
    pub reuses_ids: bool,
    /// Most characters of a text that has a limit.
    pub room: Option<usize>,
    /// What numbers the rows, as SQL, where the role that we are may not use it.
    pub sequence: Option<String>,
    /// What the role that we are may do with it.
    pub rights: Rights,
}

/// What the role that we are may do with a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// SELECT.
    pub select: bool,
    /// INSERT.
    pub insert: bool,
    /// UPDATE.
    pub update: bool,
}

impl Rights {
    /// A product without roles.
    pub const ALL: Self = Self {
        select: true,
        insert: true,
        update: true,
    };
}

/// A live table, as the database describes it.
#[derive(Debug, Clone)]
pub struct LiveTable {
    /// Its columns.
    pub columns: Vec<LiveColumn>,
    /// What it is, where it is no table that could hold accounts: a view, for one.
    pub instead: Option<&'static str>,
    /// Whether the role that we are may use the schema that it lies in.
    pub reachable: bool,
    /// Whether the role that we are may DELETE.
    pub delete: bool,
    /// The commands that row-level security lets the role that we are do on no row.
    pub hidden: Vec<String>,
}
