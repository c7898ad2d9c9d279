//! The book: one page per topic, each as true as the tests it names.

pub mod attacks {
    #![doc = include_str!("guide/attacks.md")]
}

pub mod email_change {
    #![doc = include_str!("guide/email_change.md")]
}

pub mod guards {
    #![doc = include_str!("guide/guards.md")]
}

pub mod hooks {
    #![doc = include_str!("guide/hooks.md")]
}

pub mod lockout {
    #![doc = include_str!("guide/lockout.md")]
}

pub mod mail {
    #![doc = include_str!("guide/mail.md")]
}

pub mod password_reset {
    #![doc = include_str!("guide/password_reset.md")]
}

pub mod passwords {
    #![doc = include_str!("guide/passwords.md")]
}

pub mod phone {
    #![doc = include_str!("guide/phone.md")]
}

pub mod production {
    #![doc = include_str!("guide/production.md")]
}

pub mod providers {
    #![doc = include_str!("guide/providers.md")]
}

pub mod reference {
    #![doc = include_str!("guide/reference.md")]
}

pub mod sessions {
    #![doc = include_str!("guide/sessions.md")]
}

pub mod sudo {
    #![doc = include_str!("guide/sudo.md")]
}

pub mod tables {
    #![doc = include_str!("guide/tables.md")]
}

pub mod tokens {
    #![doc = include_str!("guide/tokens.md")]
}

pub mod toolbox {
    #![doc = include_str!("guide/toolbox.md")]
}

pub mod transports {
    #![doc = include_str!("guide/transports.md")]
}

pub mod verification {
    #![doc = include_str!("guide/verification.md")]
}
