"""The kernel families that come with itnet-nas, one file each: plugins like anybody's."""
