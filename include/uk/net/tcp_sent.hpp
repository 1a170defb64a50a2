// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/tcp_timing.hpp>
#include <uk/net/tcp_wire.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace uk::net {

/// A segment that was sent and is not acknowledged (RFC 8985 section 5.1).
struct tcp_sent {
    tcp_sent* next = nullptr;
    seq begin{};
    tcp_ticks at = 0;  ///< sent last
    std::uint16_t places = 0;
    bool sacked = false;
    bool lost = false;   ///< and not sent again yet
    bool again = false;  ///< sent more than once

    constexpr seq end() const { return begin + places; }
    /// It is thought to be in the network.
    constexpr bool under_way() const { return !(sacked || lost); }
};

/// The records of all connections of a stack. One is kept for each connection that has none under way, so that none
/// waits for another's acknowledgments.
class tcp_sent_pool {
public:
    tcp_sent_pool(std::span<tcp_sent> all, std::size_t connections) : available_(all.size()), kept_(connections) {
        for (tcp_sent& s : all) {
            s.next = free_;
            free_ = &s;
        }
    }
    tcp_sent_pool(const tcp_sent_pool&) = delete;
    tcp_sent_pool& operator=(const tcp_sent_pool&) = delete;

    std::size_t available() const { return available_; }
    bool may_take(bool first) const { return first || available_ > kept_; }
    /// How many records may be taken.
    std::size_t spare(bool first) const { return available_ - kept_ + (first ? 1 : 0); }

    /// A fresh record; `first`: the connection has none. The caller has asked `may_take`.
    tcp_sent& take(bool first) {
        tcp_sent& s = *std::exchange(free_, free_->next);
        --available_;
        if (first) --kept_;
        s = {};
        return s;
    }

    void put(tcp_sent& s, bool last) {
        s.next = free_;
        free_ = &s;
        ++available_;
        if (last) ++kept_;
    }

private:
    tcp_sent* free_ = nullptr;
    std::size_t available_;
    std::size_t kept_;
};

/// The segments of one connection, by their places.
class tcp_sent_list {
public:
    bool empty() const { return first_ == nullptr; }
    tcp_sent* first() const { return first_; }
    tcp_sent* last() const { return last_; }

    tcp_sent& add(tcp_sent_pool& pool) {
        tcp_sent& s = pool.take(empty());
        (empty() ? first_ : last_->next) = &s;
        last_ = &s;
        return s;
    }

    void remove_first(tcp_sent_pool& pool) {
        tcp_sent& s = *first_;
        first_ = s.next;
        if (first_ == nullptr) last_ = nullptr;
        pool.put(s, empty());
    }

private:
    tcp_sent* first_ = nullptr;
    tcp_sent* last_ = nullptr;
};

}  // namespace uk::net
