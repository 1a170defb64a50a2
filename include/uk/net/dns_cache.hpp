// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/dns_name.hpp>
#include <uk/net/dns_wire.hpp>
#include <uk/time.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace uk::net {

/// Times are in seconds.
struct dns_cache_limits {
    /// Names that are remembered, each with its type.
    std::size_t entries = 8;
    /// How long an answer is kept whatever its server says: at least, at most, and at most where there is no address
    /// (RFC 2308 section 5).
    std::uint32_t ttl_least = 0;
    std::uint32_t ttl_most = 86'400;
    std::uint32_t missing_most = 300;
};

/// What is known of some names, for as long as it may be, and what is being asked for. `Answer` has a `count`, 0 where
/// it says that there is nothing. `Asking`, in each entry, is the owner's own. A value: the time is passed in.
template <dns_cache_limits Limits, std::size_t Queries, class Answer, class Asking>
class dns_cache {
    static_assert(Queries > 0, "net::dns_cache: with no query at a time nothing can be asked for.");
    static_assert(Limits.ttl_least <= Limits.missing_most && Limits.missing_most <= Limits.ttl_most,
                  "net::dns_cache: ttl_least, missing_most and ttl_most must not decrease in this order.");

public:
    class entry {
    public:
        bool open() const { return rank_ == of_open; }
        const Answer& answer() const { return answer_; }
        const dns_name& name() const { return name_; }
        dns_type type() const { return type_; }

        Asking asking;

    private:
        friend dns_cache;

        // Until when the answer may be told, in nanoseconds; with `lasting`, one that there are addresses.
        std::uint64_t rank_ = 0;
        dns_type type_ = dns_type::other;
        Answer answer_;
        dns_name name_;
    };

    struct found {
        entry* at;
        bool known;  ///< or being asked for: `at` is open
    };

    /// The entry of the name, or else one to ask with, where something else may stand: first what says that there is
    /// nothing, then what says where something is, of each what expires first. So a flood of names that do not exist
    /// displaces at most one that does. Null when as many as may be are open.
    found find(const dns_name& name, dns_type type, instant now) {
        entry* worst = nullptr;
        std::uint64_t least = of_open;
        std::size_t open = 0;
        for (entry& e : entries_) {
            const bool same = (e.rank_ & ~lasting) > now.ns && e.type_ == type;
            if (same && same_dns_name(e.name_, name)) return {&e, true};
            open += e.open();
            if (e.rank_ >= least) continue;
            worst = &e;
            least = e.rank_;
        }
        return {open < Queries ? worst : nullptr, false};
    }

    /// Puts the name into an entry that `find` gave to ask with, and opens it.
    static void open(entry& e, const dns_name& name, dns_type type) {
        e.name_ = name;
        e.type_ = type;
        e.rank_ = of_open;
    }

    /// The entry's answer has come; with `keep` it may be told for `ttl` seconds, within the limits. For 0 seconds it
    /// only serves those who have asked (RFC 1035 section 3.2.1).
    static void close(entry& e, const Answer& answer, bool keep, std::uint32_t ttl, instant now) {
        e.answer_ = answer;
        e.rank_ = 0;
        if (Limits.entries == 0 || !keep) return;
        const bool there = answer.count != 0;
        const std::uint32_t seconds = std::clamp(ttl, std::uint32_t{Limits.ttl_least},
                                                 std::uint32_t{there ? Limits.ttl_most : Limits.missing_most});
        e.rank_ = (now + std::chrono::seconds(seconds)).ns | (there ? lasting : 0);
    }

private:
    static constexpr std::uint64_t lasting = std::uint64_t{1} << 63;
    static constexpr std::uint64_t of_open = ~std::uint64_t{0};

    std::array<entry, Limits.entries + Queries> entries_;
};

}  // namespace uk::net
