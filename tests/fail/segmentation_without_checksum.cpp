// SPDX-License-Identifier: BSL-1.0
// expect: drv::virtio_net: segmentation needs checksum\.
#include <uk/drv/virtio_net.hpp>

#ifdef UK_CONTROL
using card = uk::drv::virtio_net<uk::drv::virtio_net_options{.checksum = true, .segmentation = true}>;
#else
using card = uk::drv::virtio_net<uk::drv::virtio_net_options{.segmentation = true}>;
#endif
static_assert(sizeof(card) > 0);
