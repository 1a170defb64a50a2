// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
#include <uk/net/dns_name.hpp>
#include <uk/net/dns_wire.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// A name server's messages, to the octet: strings with zeros in them.
namespace dns_fixture {

using namespace std::string_literals;
namespace net = uk::net;

inline std::string number(std::uint32_t value, std::size_t octets) {
    std::string s;
    while (octets-- != 0) s += static_cast<char>(value >> (8 * octets));
    return s;
}
inline std::string number16(std::uint32_t value) { return number(value, 2); }

/// `a.example` in wire form.
inline std::string name(std::string_view text) {
    net::dns_name n;
    if (!net::parse_dns_name(text, n)) return "not a name";
    return std::string(uk::as_text(n.wire()));
}
/// A pointer to an octet of the message.
inline std::string pointer(std::size_t to) { return number16(static_cast<std::uint32_t>(0xc000 | to)); }
/// The question's name.
inline const std::string asked = pointer(12);

inline std::string record(const std::string& owner, std::uint32_t type, std::uint32_t ttl, const std::string& data,
                          std::uint32_t of_class = 1) {
    return owner + number16(type) + number16(of_class) + number(ttl, 4) +
           number16(static_cast<std::uint32_t>(data.size())) + data;
}
inline std::string address(const std::string& owner, std::uint32_t value, std::uint32_t ttl = 60) {
    return record(owner, 1, ttl, number(value, 4));
}
inline std::string alias(const std::string& owner, const std::string& target, std::uint32_t ttl = 60) {
    return record(owner, 5, ttl, target);
}
inline std::string soa(const std::string& owner, std::uint32_t ttl, std::uint32_t minimum) {
    return record(owner, 6, ttl,
                  name("ns.example") + name("me.example") + number(1, 4) + number(2, 4) + number(3, 4) + number(4, 4) +
                      number(minimum, 4));
}

/// An answer; the counts are right unless a test says otherwise.
struct message {
    std::uint16_t id = 0x1234;
    std::uint32_t flags = 0x8180;  // QR, RD, RA
    std::uint16_t questions = 1;
    std::string question = name("www.example") + number16(1) + number16(1);
    std::vector<std::string> answers{};
    std::vector<std::string> authority{};
    std::vector<std::string> additional{};
    int more_answers = 0;  // than there are
    int more_additional = 0;
    std::string behind{};

    std::string text() const {
        const auto count = [](const auto& list, int more) {
            return number16(static_cast<std::uint32_t>(static_cast<int>(list.size()) + more));
        };
        std::string s = number16(id) + number16(flags) + number16(questions) + count(answers, more_answers) +
                        count(authority, 0) + count(additional, more_additional) + question;
        for (const auto* list : {&answers, &authority, &additional}) {
            for (const auto& r : *list) s += r;
        }
        return s + behind;
    }
};

/// The question that `message` answers.
inline net::dns_query query(net::dns_type type = net::dns_type::a) {
    net::dns_query q;
    q.id = 0x1234;
    q.type = type;
    if (!net::parse_dns_name("www.example", q.name)) q.id = 0;
    return q;
}

}  // namespace dns_fixture
