# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The names that Grafana 12.2 knows in grafana.ini and in its provisioning files.

Data only. Grafana ignores a misspelt name silently, so they are checked here. The section ``""``
holds the keys above the first section; a section without keys takes any.
"""

from __future__ import annotations

from collections.abc import Mapping

_INI = """
[]
  app_mode instance_name target
[paths]
  data logs permitted_provisioning_paths plugins provisioning temp_data_lifetime
[server]
  cdn_url cert_file cert_key cert_pass certs_watch_interval domain enable_gzip enforce_domain
  http_addr http_port min_tls_version protocol read_timeout root_url router_logging
  serve_from_sub_path socket socket_gid socket_mode static_root_path
[server.custom_response_headers]
[environment]
  local_file_system_available
[grpc_server]
  address cert_file enable_logging key_file max_recv_msg_size max_send_msg_size network use_tls
[database]
  ca_cert_path cache_mode client_cert_path client_key_path conn_max_lifetime delete_auto_gen_ids
  high_availability host instrument_queries isolation_level locking_attempt_timeout_sec
  log_queries max_idle_conn max_open_conn migration_locking name password path query_retries
  server_cert_name ssl_mode ssl_sni transaction_retries type url user wal
[remote_cache]
  connstr encryption prefix type
[dataproxy]
  dialTimeout expect_continue_timeout_seconds idle_conn_timeout_seconds keep_alive_seconds logging
  max_conns_per_host max_idle_connections response_limit row_limit send_user_header timeout
  tls_handshake_timeout_seconds user_agent
[analytics]
  application_insights_connection_string application_insights_endpoint_url
  browser_console_reporter check_for_plugin_updates check_for_updates feedback_links_enabled
  google_analytics_4_id google_analytics_4_send_manual_page_views google_analytics_ua_id
  google_tag_manager_id intercom_secret reporting_distributor reporting_enabled
  reporting_static_context rudderstack_config_url rudderstack_data_plane_url
  rudderstack_integrations_url rudderstack_sdk_url rudderstack_write_key
[security]
  actions_allow_post_url admin_email admin_password admin_user allow_embedding
  angular_support_enabled available_encryption_providers brute_force_login_protection_max_attempts
  content_security_policy content_security_policy_report_only
  content_security_policy_report_only_template content_security_policy_template cookie_samesite
  cookie_secure csrf_always_check data_source_proxy_whitelist disable_brute_force_login_protection
  disable_gravatar disable_initial_admin_creation disable_ip_address_login_protection
  disable_username_login_protection enable_frontend_sandbox_for_plugins encryption_provider
  secret_key strict_transport_security strict_transport_security_max_age_seconds
  strict_transport_security_preload strict_transport_security_subdomains x_content_type_options
  x_xss_protection
[security.encryption]
  data_keys_cache_cleanup_interval data_keys_cache_ttl
[snapshots]
  enabled external_enabled external_snapshot_name external_snapshot_url public_mode
[dashboards]
  dashboard_performance_metrics default_home_dashboard_path min_refresh_interval
  panel_series_limit versions_to_keep
[datasources]
  concurrent_query_count datasource_limit default_allow_recording_rules_target_alerts_ui_toggle
  default_manage_alerts_ui_toggle
[sql_datasources]
  max_conn_lifetime_default max_idle_conns_default max_open_conns_default
[users]
  allow_org_create allow_sign_up auto_assign_org auto_assign_org_id auto_assign_org_role
  default_language default_theme editors_can_admin external_manage_info external_manage_link_name
  external_manage_link_url hidden_users home_page last_seen_update_interval login_default_org_id
  login_hint password_hint user_invite_max_lifetime_duration
  verification_email_max_lifetime_duration verify_email_enabled viewers_can_edit
[secretscan]
  base_url enabled interval oncall_url revoke
[service_accounts]
  token_expiration_day_limit
[auth]
  api_key_max_seconds_to_live azure_auth_enabled disable_login disable_login_form
  disable_signout_menu id_response_header_enabled id_response_header_namespaces
  id_response_header_prefix login_cookie_name login_maximum_inactive_lifetime_duration
  login_maximum_lifetime_duration managed_service_accounts_enabled
  oauth_allow_insecure_email_lookup oauth_auto_login oauth_login_error_message
  oauth_refresh_token_server_lock_min_wait_ms oauth_state_cookie_max_age signout_redirect_url
  sigv4_auth_enabled sigv4_verbose_logging token_rotation_interval_minutes
[auth.passwordless]
  code_expiration enabled
[sso_settings]
  configurable_providers reload_interval
[auth.anonymous]
  device_limit enabled hide_version org_name org_role
[auth.github]
  allow_assign_grafana_admin allow_sign_up allowed_domains allowed_organizations api_url auth_url
  auto_login client_id client_secret enabled icon name org_mapping role_attribute_path
  role_attribute_strict scopes signout_redirect_url skip_org_role_sync team_ids tls_client_ca
  tls_client_cert tls_client_key tls_skip_verify_insecure token_url use_refresh_token
[auth.gitlab]
  allow_assign_grafana_admin allow_sign_up allowed_domains allowed_groups api_url auth_url
  auto_login client_id client_secret enabled icon name org_mapping role_attribute_path
  role_attribute_strict scopes signout_redirect_url skip_org_role_sync tls_client_ca
  tls_client_cert tls_client_key tls_skip_verify_insecure token_url use_pkce use_refresh_token
[auth.google]
  allow_assign_grafana_admin allow_sign_up allowed_domains allowed_groups api_url auth_url
  auto_login client_id client_secret enabled hosted_domain icon name org_mapping
  role_attribute_path role_attribute_strict scopes signout_redirect_url skip_org_role_sync
  tls_client_ca tls_client_cert tls_client_key tls_skip_verify_insecure token_url use_pkce
  use_refresh_token validate_hd
[auth.grafananet]
  allow_sign_up allowed_organizations client_id client_secret enabled scopes use_refresh_token
[auth.grafana_com]
  allow_sign_up allowed_organizations auto_login client_id client_secret enabled icon name scopes
  skip_org_role_sync use_refresh_token
[auth.azuread]
  allow_assign_grafana_admin allow_sign_up allowed_domains allowed_groups allowed_organizations
  auth_url auto_login client_authentication client_id client_secret enabled
  federated_credential_audience force_use_graph_api icon managed_identity_client_id name
  org_mapping role_attribute_strict scopes signout_redirect_url skip_org_role_sync tls_client_ca
  tls_client_cert tls_client_key tls_skip_verify_insecure token_url use_pkce use_refresh_token
  workload_identity_token_file
[auth.okta]
  allow_assign_grafana_admin allow_sign_up allowed_domains allowed_groups api_url auth_url
  auto_login client_id client_secret enabled icon name org_attribute_path org_mapping
  role_attribute_path role_attribute_strict scopes signout_redirect_url skip_org_role_sync
  tls_client_ca tls_client_cert tls_client_key tls_skip_verify_insecure token_url use_pkce
  use_refresh_token
[auth.generic_oauth]
  allow_assign_grafana_admin allow_sign_up allowed_domains allowed_groups allowed_organizations
  api_url auth_style auth_url auto_login client_id client_secret email_attribute_name
  email_attribute_path empty_scopes enabled groups_attribute_path icon id_token_attribute_name
  login_attribute_path name name_attribute_path org_attribute_path org_mapping role_attribute_path
  role_attribute_strict scopes signout_redirect_url skip_org_role_sync team_ids
  team_ids_attribute_path teams_url tls_client_ca tls_client_cert tls_client_key
  tls_skip_verify_insecure token_url use_pkce use_refresh_token
[auth.basic]
  enabled password_policy
[auth.proxy]
  auto_sign_up enable_login_token enabled header_name header_property headers headers_encoded
  sync_ttl whitelist
[auth.jwt]
  allow_assign_grafana_admin auto_sign_up cache_ttl email_attribute_path email_claim
  enable_login_token enabled expect_claims groups_attribute_path header_name
  jwk_set_bearer_token_file jwk_set_file jwk_set_url key_file key_id org_attribute_path
  org_mapping role_attribute_path role_attribute_strict skip_org_role_sync tls_client_ca
  tls_skip_verify_insecure url_login username_attribute_path username_claim
[auth.ldap]
  active_sync_enabled allow_sign_up config_file enabled skip_org_role_sync sync_cron
[aws]
  allowed_auth_providers assume_role_enabled external_id forward_settings_to_plugins
  list_metrics_page_limit session_duration
[azure]
  azure_entra_password_credentials_enabled cloud clouds_config forward_settings_to_plugins
  managed_identity_client_id managed_identity_enabled user_identity_client_authentication
  user_identity_client_id user_identity_client_secret user_identity_enabled
  user_identity_fallback_credentials_enabled user_identity_federated_credential_audience
  user_identity_managed_identity_client_id user_identity_token_url username_assertion
  workload_identity_client_id workload_identity_enabled workload_identity_tenant_id
  workload_identity_token_file
[rbac]
  permission_cache permission_validation_enabled reset_basic_roles
[smtp]
  cert_file ehlo_identity enable_tracing enabled from_address from_name host key_file password
  skip_verify startTLS_policy user
[smtp.static_headers]
[emails]
  content_types templates_pattern welcome_email_on_sign_up
[log]
  filters level mode user_facing_default_error
[log.console]
  format level
[log.file]
  daily_rotate format level log_rotate max_days max_lines max_size_shift
[log.syslog]
  address facility format level network tag
[log.frontend]
  api_key custom_endpoint enabled instrumentations_all_enabled instrumentations_console_enabled
  instrumentations_errors_enabled instrumentations_tracing_enabled
  instrumentations_webvitals_enabled internal_logger_level log_endpoint_burst_limit
  log_endpoint_requests_per_second_limit
[quota]
  alerting_rule_evaluation_results alerting_rule_group_rules enabled global_alert_rule
  global_api_key global_correlations global_dashboard global_file global_org global_session
  global_user org_alert_rule org_api_key org_dashboard org_data_source org_user user_org
[unified_alerting]
  admin_config_poll_interval alertmanager_config_poll_interval alertmanager_max_silence_size_bytes
  alertmanager_max_silences_count deleted_rule_retention disable_jitter disabled_orgs enabled
  evaluation_timeout execute_alerts ha_advertise_address ha_gossip_interval ha_label
  ha_listen_address ha_peer_timeout ha_peers ha_push_pull_interval ha_reconnect_timeout
  ha_redis_address ha_redis_cluster_mode_enabled ha_redis_db ha_redis_max_conns ha_redis_password
  ha_redis_peer_name ha_redis_prefix ha_redis_sentinel_master_name ha_redis_sentinel_mode_enabled
  ha_redis_sentinel_password ha_redis_sentinel_username ha_redis_tls_ca_path
  ha_redis_tls_cert_path ha_redis_tls_cipher_suites ha_redis_tls_enabled
  ha_redis_tls_insecure_skip_verify ha_redis_tls_key_path ha_redis_tls_min_version
  ha_redis_tls_server_name ha_redis_username initial_retry_delay initialization_timeout
  max_attempts max_retry_delay max_state_save_concurrency min_interval notification_log_retention
  randomization_factor resolved_alert_retention rule_version_record_limit
  state_periodic_save_batch_size state_periodic_save_interval
[unified_alerting.screenshots]
  capture capture_timeout max_concurrent_screenshots upload_external_image_storage
[unified_alerting.reserved_labels]
  disabled_labels
[unified_alerting.state_history]
  backend enabled loki_basic_auth_password loki_basic_auth_username loki_max_query_length
  loki_max_query_size loki_remote_read_url loki_remote_url loki_remote_write_url loki_tenant_id
  primary prometheus_metric_name prometheus_target_datasource_uid prometheus_write_timeout
  secondaries
[unified_alerting.state_history.external_labels]
[unified_alerting.state_history.annotations]
  max_age max_annotations_to_keep
[unified_alerting.notification_history]
  enabled loki_basic_auth_password loki_basic_auth_username loki_remote_url loki_tenant_id
[unified_alerting.notification_history.external_labels]
[unified_alerting.prometheus_conversion]
  rule_query_offset
[recording_rules]
  default_datasource_uid enabled timeout
[recording_rules.custom_headers]
[remote.alertmanager]
  password sync_interval tenant timeout url
[annotations]
  cleanupjob_batchsize tags_length
[annotations.dashboard]
  max_age max_annotations_to_keep
[annotations.api]
  max_age max_annotations_to_keep
[explore]
  defaultTimeOffset enabled hide_logs_download
[help]
  enabled
[profile]
  enabled
[news]
  news_feed_enabled
[query]
  concurrent_query_limit
[query_history]
  enabled
[short_links]
  expire_time
[metrics]
  basic_auth_password basic_auth_username disable_total_stats enabled interval_seconds
  total_stats_collector_interval_seconds
[metrics.environment_info]
[metrics.graphite]
  address prefix
[grafana_net]
  url
[grafana_com]
  api_url sso_api_token url
[tracing.jaeger]
  address always_included_tag disable_shared_zipkin_spans sampler_param sampler_type
  sampling_server_url zipkin_propagation
[tracing.opentelemetry]
  custom_attributes sampler_param sampler_type sampling_server_url
[tracing.opentelemetry.jaeger]
  address propagation
[tracing.opentelemetry.otlp]
  address insecure propagation
[external_image_storage]
  provider
[external_image_storage.s3]
  access_key bucket bucket_url endpoint path path_style_access region secret_key
[external_image_storage.webdav]
  password public_url url username
[external_image_storage.gcs]
  bucket enable_signed_urls key_file path signed_url_expiration
[external_image_storage.azure_blob]
  account_key account_name container_name sas_token_expiration_days
[external_image_storage.local]
[rendering]
  callback_url concurrent_render_request_limit default_image_height default_image_scale
  default_image_width render_key_lifetime renderer_token server_url
[panels]
  disable_sanitize_html enable_alpha
[plugins]
  allow_loading_unsigned_plugins app_tls_skip_verify_insecure disable_plugins enable_alpha
  forward_host_env_vars log_backend_requests plugin_admin_enabled
  plugin_admin_external_manage_enabled plugin_catalog_hidden_plugins plugin_catalog_url preinstall
  preinstall_disabled preinstall_sync public_key_retrieval_disabled
  public_key_retrieval_on_startup update_strategy
[live]
  allowed_origins ha_engine ha_engine_address ha_engine_password ha_prefix max_connections
  message_size_limit
[plugin.grafana-image-renderer]
  grpc_host grpc_port rendering_args rendering_chrome_bin rendering_clustering_max_concurrency
  rendering_clustering_mode rendering_clustering_timeout rendering_dumpio
  rendering_ignore_https_errors rendering_language rendering_mode rendering_timezone
  rendering_timing_metrics rendering_tracing_url rendering_verbose_logging
  rendering_viewport_device_scale_factor rendering_viewport_max_device_scale_factor
  rendering_viewport_max_height rendering_viewport_max_width
[enterprise]
  license_path
[feature_toggles]
  enable
[feature_toggles.openfeature]
  enable_api provider url
[feature_toggles.openfeature.context]
[time_picker]
  quick_ranges
[date_formats]
  default_timezone full_date interval_day interval_hour interval_minute interval_month
  interval_second interval_year use_browser_locale
[expressions]
  enabled
[geomap]
  default_baselayer_config enable_custom_baselayers
[support_bundles]
  enabled public_keys server_admin_only
[storage]
  allow_unsanitized_svg_upload
[search]
  dashboard_loading_batch_size full_reindex_interval index_update_interval
[navigation.app_sections]
[navigation.app_standalone_pages]
[secure_socks_datasource_proxy]
  allow_insecure client_cert client_key enabled proxy_address root_ca_cert server_name show_ui
[feature_management]
  allow_editing hidden_toggles read_only_toggles update_webhook update_webhook_token
[public_dashboards]
  enabled
[cloud_migration]
  alert_rules_state create_access_policy_timeout create_upload_url_timeout
  delete_access_policy_timeout domain fetch_access_policy_timeout fetch_instance_timeout
  frontend_poll_interval gcom_api_token get_snapshot_status_timeout is_target report_event_timeout
  resource_storage_type snapshot_folder start_snapshot_timeout validate_key_timeout
[secrets_manager]
  encryption_provider
[secrets_manager.encryption.secret_key.v1]
  secret_key
[frontend_dev]
  fail_tests_on_console
[plugins.restricted_apis_allowlist]
[plugins.restricted_apis_blocklist]
"""

DATA_SOURCE: frozenset[str] = frozenset(
    {
        "access",
        "basicAuth",
        "basicAuthUser",
        "correlations",
        "database",
        "editable",
        "isDefault",
        "jsonData",
        "name",
        "orgId",
        "secureJsonData",
        "type",
        "uid",
        "url",
        "user",
        "version",
        "withCredentials",
    }
)


def _sections(text: str) -> dict[str, frozenset[str]]:
    found: dict[str, list[str]] = {}
    keys: list[str] = []
    for line in text.strip().splitlines():
        if line.startswith("["):
            keys = found.setdefault(line[1:-1], [])
        else:
            keys.extend(line.split())
    return {section: frozenset(names) for section, names in found.items()}


INI: Mapping[str, frozenset[str]] = _sections(_INI)
