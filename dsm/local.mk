include_HEADERS += dsm/dsm.h
