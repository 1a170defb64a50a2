// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace uk::net {

/// What a stack's TCP can do beyond RFC 9293's core. What is left out costs no octet of an image.
struct tcp_features {
    /// Windows beyond 65,535 octets (RFC 7323 section 2).
    bool window_scale = true;
    /// Protection against old segments, round trips measured also when segments were sent again (RFC 7323).
    bool timestamps = true;
    /// Selective acknowledgments both ways (RFC 2018, RFC 2883), and recovery by them: RACK-TLP (RFC 8985). Without,
    /// recovery is that of RFC 6582.
    bool sack = true;
    /// Connections are still accepted, at the price of all options but the MSS, when the backlog is full (RFC 4987
    /// section 3.6).
    bool cookies = true;
    /// `keep_alive` of a connection (RFC 9293 section 3.8.4). It stays off until asked for.
    bool keep_alive = true;
    /// ICMP errors are heeded (RFC 5927), the path's MTU first of all (RFC 1191).
    bool errors = true;
    /// The urgent mark, sent and told (RFC 9293 section 3.8.5). Without, urgent text is text like all other.
    bool urgent = true;
    /// Routers may mark segments instead of dropping them (RFC 3168). Off, as with most hosts: some paths still drop
    /// what asks for it.
    bool ecn = false;

    friend constexpr bool operator==(const tcp_features&, const tcp_features&) = default;
};

/// The least with which TCP still is TCP.
inline constexpr tcp_features tcp_minimal{.window_scale = false,
                                          .timestamps = false,
                                          .sack = false,
                                          .cookies = false,
                                          .keep_alive = false,
                                          .errors = false,
                                          .urgent = false,
                                          .ecn = false};

/// All that there is.
inline constexpr tcp_features tcp_everything{.ecn = true};

}  // namespace uk::net
