//! Custom actions of the ICT helpdesk bot: form validation, guidance, tickets.
//!
//! One process of its own, speaking Rasa's action protocol. Tickets and ratings
//! live in a SQLite file; the people known to the office come from a JSON file.

pub mod cli;
mod clock;
mod conversation;
mod handlers;
mod helpdesk;
mod logging;
mod people;
mod store;

pub use clock::{Clock, FixedClock, Moment, SystemClock};
pub use handlers::action_server;
pub use helpdesk::{Filed, Helpdesk, Settings};
pub use people::{People, Person, TteStatus};
pub use store::{NewTicket, Store, Ticket, TicketStatus};
