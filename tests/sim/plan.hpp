// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "content.hpp"

#include <uk/arch/sim_pipe.hpp>
#include <uk/print.hpp>
#include <uk/result.hpp>
#include <uk/time.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What is to happen in a scenario, what did happen, and what must not have.
namespace stage {

/// Who speaks: 0 is whoever connects, 1 whoever accepts.
inline constexpr unsigned client = 0;
inline constexpr unsigned server = 1;

enum class closing : std::uint8_t {
    client_last,   ///< the client closes when it has heard all
    client_first,  ///< the client closes behind its last request, and reads on (half-close)
    server_first,  ///< the server closes behind its last answer
};

/// The way one side of a talk reads and writes.
struct manner {
    unsigned host = 0;
    std::uint32_t octets = 8;    ///< said in each round
    std::uint32_t piece = 1000;  ///< of them in one write
    uk::duration pause{0};       ///< before each read
    uk::duration haste{0};       ///< gives a read up after so long, and tries again
    bool constant = false;       ///< written without a copy
    bool no_delay = false;
    bool aborts = false;  ///< gives up, once it has heard `abort_after` octets
    bool drops = false;   ///< ... by destroying its connection, not by aborting it
    std::uint32_t abort_after = 0;
};

/// How far one side has come.
struct progress {
    enum class end : std::uint8_t { none, done, failed, aborted };
    std::uint64_t said = 0;  ///< handed to write
    std::uint64_t heard = 0;
    bool shut = false;
    end over = end::none;
    uk::error why = uk::error::closed;
};

/// One conversation over one connection.
struct talk {
    unsigned number = 0;
    std::uint64_t name = 0;
    uk::instant start;
    std::uint32_t rounds = 1;  ///< request and answer
    bool duplex = false;       ///< both speak at once, in one round
    bool meeting = false;      ///< both open it at once (RFC 9293 figure 8)
    closing ends = closing::client_last;
    manner how[2];

    progress side[2];
    bool disturbed = false;  ///< by a crash or a long cut: it need not end well
    std::vector<std::byte> constant[2];

    content says(unsigned who) const { return {name + who}; }
    std::uint64_t total(unsigned who) const { return std::uint64_t{how[who].octets} * rounds; }
    bool aborts() const { return how[client].aborts || how[server].aborts; }
};

/// A host goes down at `at`, or its cable is cut, and comes back after `length`; never when that is 0.
struct mishap {
    unsigned host = 0;
    uk::instant at;
    uk::duration length{0};
    bool crash = false;
};

struct cable {
    uk::sim::quality up;  ///< from the host
    uk::sim::quality down;
};

struct scenario {
    std::uint64_t seed = 0;
    std::vector<unsigned> kinds;  ///< of each host's stack
    std::vector<cable> cables;    ///< of each host; two hosts are joined by the first
    uk::duration latency{0};
    std::vector<talk> talks;
    std::vector<mishap> mishaps;
    unsigned forgeries = 0;  ///< segments of a stranger, who knows connections but not their numbers
    bool gentle = true;      ///< so little is lost that every undisturbed talk must end well

    bool switched() const { return kinds.size() > 2; }
};

/// Text in a string.
struct line {
    std::string text;
    void write(std::string_view s) { text += s; }
};
template <class... Args>
std::string say(std::type_identity_t<uk::detail::format_of<Args...>> format, const Args&... args) {
    line l;
    uk::print(l, format, args...);
    return l.text;
}

/// The broken promises of a run.
struct findings {
    std::vector<std::string> all;
    std::uint64_t count = 0;

    void add(uk::instant at, std::string what) {
        if (++count <= 20) all.push_back(say("{} ns: {}", at.ns, what));
    }
};

}  // namespace stage
