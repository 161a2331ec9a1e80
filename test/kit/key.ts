/** Of every gateway that a test starts. */
export const ADMIN_KEY = 'test-admin-key-0123456789';
