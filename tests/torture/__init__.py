"""What is done to watches: processes killed, databases restarted, disks filled, clocks moved."""
