// SPDX-License-Identifier: BSL-1.0
#include "frame.hpp"

#include <uk/net/tcp_wire.hpp>

namespace {

using namespace fuzz;

// With any set of features the parser stays inside the segment, and what it understood can be written and read again.
template <net::tcp_features F>
void parse(uk::bytes segment) {
    net::tcp_segment s;
    if (!net::parse_tcp<F>(segment, s)) return;
    require(s.header >= 20 && s.header <= segment.size(), "a header fits into its segment");
    require(s.header + s.text == segment.size(), "what is no header is text");
    require(s.source_port != 0 && s.destination_port != 0, "a port is not 0");
    if (s.options.blocks != 0) {
        require(s.options.sack >= segment.data() + 20, "SACK blocks lie in the options");
        require(s.options.sack + 8U * s.options.blocks <= segment.data() + s.header, "SACK blocks lie in the options");
        for (unsigned i = 0; i < s.options.blocks; ++i) (void)net::sack_block(s.options.sack, i);
    }
    const std::size_t size = net::header_octets<F>(s);
    if (size > 60) return;  // more than we would ever send: options that were told twice, say
    octets again(size);
    net::emit<F>(s, again.data());
    net::tcp_segment t;
    require(net::parse_tcp<F>(again, t).has_value(), "what was written is right");
    require(t.sequence == s.sequence && t.acknowledgment == s.acknowledgment && t.flags == s.flags &&
                t.window == s.window && t.urgent == s.urgent,
            "what was written says the same");
    require(t.options.mss == s.options.mss && t.options.shift == s.options.shift &&
                t.options.sack_permitted == s.options.sack_permitted && t.options.stamped == s.options.stamped &&
                t.options.stamp == s.options.stamp && t.options.echo == s.options.echo &&
                t.options.blocks == s.options.blocks,
            "options that were written say the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // In memory of its own: one octet further is a finding.
    const octets segment(reinterpret_cast<const std::byte*>(data), reinterpret_cast<const std::byte*>(data) + size);
    parse<net::tcp_everything>(segment);
    parse<net::tcp_minimal>(segment);
    return 0;
}
