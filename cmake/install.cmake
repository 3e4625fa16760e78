# Install and export, so that find_package(polaris) gives polaris::search and its parts.
include(CMakePackageConfigHelpers)
get_property(targets GLOBAL PROPERTY POLARIS_TARGETS)
install(TARGETS polaris_options ${targets} EXPORT polaris-targets)
install(EXPORT polaris-targets NAMESPACE polaris:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/polaris)
install(DIRECTORY models host kernels DESTINATION include/polaris FILES_MATCHING PATTERN "*.hpp")
install(DIRECTORY models/zoo rtl DESTINATION ${CMAKE_INSTALL_DATADIR}/polaris)
configure_package_config_file(cmake/polaris-config.cmake.in polaris-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/polaris)
write_basic_package_version_file(polaris-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/polaris-config.cmake
  ${PROJECT_BINARY_DIR}/polaris-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/polaris)
