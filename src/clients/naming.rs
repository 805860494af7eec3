//! What agents take as the names of servers and tools.

/// The longest tool name that OpenAI's and Anthropic's APIs take everywhere, in characters. Most agents keep to it, or hand longer
/// names to the API, which refuses the whole request. <https://platform.openai.com/docs/api-reference/chat/create>
pub const LONGEST_IN_API: usize = 64;

/// What an agent takes as a name.
#[derive(Clone, Copy)]
pub struct Naming {
    /// The names of the agent's own servers, under which it ignores ours.
    pub reserved: &'static [&'static str],
    /// The form of a server's name, if the agent doesn't take all that the input `server_name` does.
    pub form: Option<Form>,
    /// The longest full name of a tool; `None` if no limit is known.
    pub longest: Option<usize>,
    /// Whether a tool with a `.` in its name can be used, under the name that `tool_name` says.
    pub takes_dots: bool,
}

/// The form of a server's name.
#[derive(Clone, Copy)]
pub struct Form {
    /// Whether a name has it.
    pub fits: fn(&str) -> bool,
    /// What it is, as the rest of a sentence that begins with *it*.
    pub rule: &'static str,
}

impl Naming {
    /// What most agents take.
    pub const COMMON: Self = Self { reserved: &[], form: None, longest: Some(LONGEST_IN_API), takes_dots: true };
}
